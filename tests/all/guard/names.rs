//! A name server of a few names, some of which change their mind.

use std::collections::BTreeMap;
use std::net::IpAddr;

use tokio::net::UdpSocket;

const A: u16 = 1;
const AAAA: u16 = 28;

/// The server; it stops when it is dropped.
pub(super) struct Names(tokio::task::JoinHandle<()>);

impl Names {
    pub(super) async fn serve() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:53").await;
        let socket = socket.expect("nobody else serves names here");
        Self(tokio::spawn(async move {
            let mut asked = BTreeMap::new();
            let mut buffer = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                if let Some(answer) = answer(&buffer[..length], &mut asked) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        }))
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a name means that was asked for so often before.
fn addresses(name: &str, before: u32) -> &'static [&'static str] {
    match name {
        "public.test" => &["93.184.216.34", "2606:4700::1111"],
        "six.inner.test" => &["fd00::5"],
        "mapped.test" => &["::ffff:10.0.0.5"],
        "translated.test" => &["64:ff9b::a00:5"],
        "metadata.test" => &["169.254.169.254"],
        "mixed.test" => &["10.0.0.5", "127.0.0.1", "93.184.216.34", "::1"],
        "once.test" if before == 0 => &["93.184.216.34"],
        "turns.test" if before.is_multiple_of(2) => &["93.184.216.34"],
        "inner.test" | "once.test" | "turns.test" => &["10.0.0.5"],
        _ => &[],
    }
}

/// The answer to a question with one name in it.
fn answer(question: &[u8], asked: &mut BTreeMap<String, u32>) -> Option<Vec<u8>> {
    let (mut at, mut labels) = (12, Vec::new());
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        let label = question.get(at..at + length)?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes(question.get(at..at + 2)?.try_into().ok()?);
    let name = labels.join(".");
    let before = asked.get(&name).copied().unwrap_or(0);
    if kind == A {
        asked.insert(name.clone(), before + 1);
    }
    let records: Vec<Vec<u8>> = addresses(&name, before)
        .iter()
        .filter_map(|address| record(address.parse().ok()?, kind))
        .collect();
    let count = u16::try_from(records.len()).ok()?;
    let mut answer = question.get(..2)?.to_vec();
    // An answer, of somebody who asks others if need be.
    answer.extend([0x81, 0x80, 0, 1]);
    answer.extend(count.to_be_bytes());
    answer.extend([0; 4]);
    answer.extend(question.get(12..at + 4)?);
    answer.extend(records.concat());
    Some(answer)
}

/// An address that is to be forgotten at once, if it is of the kind that was asked for.
fn record(address: IpAddr, kind: u16) -> Option<Vec<u8>> {
    let bytes = match address {
        IpAddr::V4(address) if kind == A => address.octets().to_vec(),
        IpAddr::V6(address) if kind == AAAA => address.octets().to_vec(),
        _ => return None,
    };
    let mut record = vec![0xc0, 12];
    record.extend(kind.to_be_bytes());
    record.extend([0, 1, 0, 0, 0, 0]);
    record.extend(u16::try_from(bytes.len()).ok()?.to_be_bytes());
    record.extend(bytes);
    Some(record)
}
