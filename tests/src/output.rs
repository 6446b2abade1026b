use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

/// What a process has printed so far, readable while it prints on.
#[derive(Clone, Debug)]
pub struct Output {
    lines: Arc<Mutex<Vec<String>>>,
    count: watch::Receiver<usize>,
}

impl Output {
    /// Collects a stream's lines until it ends.
    pub fn collect(stream: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let (sender, count) = watch::channel(0);
        let written = Arc::clone(&lines);
        tokio::spawn(async move {
            let mut reader = BufReader::new(stream).lines();
            while let Ok(Some(line)) = reader.next_line().await {
                let mut lines = written.lock().expect("no reader panics");
                lines.push(line);
                sender.send_replace(lines.len());
            }
        });
        Self { lines, count }
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no writer panics").clone()
    }

    /// The first line that fits, once it is there; `None` when the stream has ended without.
    pub async fn line(&mut self, fits: impl Fn(&str) -> bool) -> Option<String> {
        loop {
            let found = self.lines().into_iter().find(|line| fits(line));
            if found.is_some() {
                return found;
            }
            if self.count.changed().await.is_err() {
                // What came between the last look and the end still counts.
                return self.lines().into_iter().find(|line| fits(line));
            }
        }
    }

    /// Waits for another line; panics when the stream has ended.
    pub async fn grows(&mut self) {
        self.count.changed().await.expect("another line");
    }

    /// Returns when the stream has ended.
    pub async fn end(&mut self) {
        while self.count.changed().await.is_ok() {}
    }
}
