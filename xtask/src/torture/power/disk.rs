//! A disk whose power can be cut.

use crate::process;
use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// An ext4 image on a loop mount. What the kernel has not yet written into the image when the
/// power is cut is lost, as on a real disk. It needs root. Dropping it takes it away.
pub(super) struct Disk {
    image: PathBuf,
    mount: PathBuf,
    mounted: bool,
}

impl Disk {
    /// Makes one of so many MiB; `folder` takes its image.
    pub(super) async fn make(folder: &Path, name: &str, mib: u64) -> Result<Self> {
        ensure!(
            rustix::process::geteuid().is_root(),
            "power can only be cut by root, who may mount an image"
        );
        let image = folder.join(format!("{name}.ext4"));
        let mount = folder.join(name);
        std::fs::create_dir_all(&mount)
            .with_context(|| format!("can't make {}", mount.display()))?;
        let file = std::fs::File::create(&image).context("can't make an image")?;
        file.set_len(mib << 20).context("can't make an image")?;
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image)).await?;
        let mut disk = Self {
            image,
            mount,
            mounted: false,
        };
        disk.mount().await?;
        Ok(disk)
    }

    pub(super) fn path(&self) -> &Path {
        &self.mount
    }

    /// Writes all that is there into the image.
    pub(super) async fn sync(&self) -> Result<()> {
        run(Command::new("sync").arg("-f").arg(&self.mount)).await
    }

    /// Goes on with what the image holds at this moment. Nobody may use the disk meanwhile.
    pub(super) async fn cut_power(&mut self) -> Result<()> {
        let copy = self.image.with_extension("copy");
        let mut cp = Command::new("cp");
        run(cp.arg("--sparse=always").arg(&self.image).arg(&copy)).await?;
        run(Command::new("umount").arg(&self.mount)).await?;
        self.mounted = false;
        std::fs::rename(&copy, &self.image).context("can't replace the image")?;
        self.mount().await
    }

    async fn mount(&mut self) -> Result<()> {
        let mut mount = Command::new("mount");
        mount.args(["-o", "loop"]).arg(&self.image).arg(&self.mount);
        run(&mut mount).await?;
        self.mounted = true;
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            let mut umount = std::process::Command::new("umount");
            // Lazily: whoever was killed may not have closed its files yet.
            let _ = umount.arg("--lazy").arg(&self.mount).status();
        }
    }
}

async fn run(command: &mut Command) -> Result<()> {
    process::output(command).await.map(drop)
}
