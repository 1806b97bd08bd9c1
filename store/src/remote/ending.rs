//! The end of a transfer that waits for a silent server: its connections are closed under it.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::transport::Transport;
use super::{RemoteError, Result};

/// How often it is asked whether a transfer is still wanted.
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// Does a transfer, which fails with [`RemoteError::Cancelled`] soon after `cancelled` says so, wherever it waits for the
/// other side. What has ended well before is kept. Finding an address and connecting are not ended: they have limits of
/// their own.
pub(super) fn unless_cancelled<T>(
    transport: &Transport,
    cancelled: &(dyn Fn() -> bool + Sync),
    transfer: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let (working, done) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // More than once, since a connection may be made just now.
            while done.recv_timeout(ASKED_EVERY) == Err(RecvTimeoutError::Timeout) {
                if cancelled() {
                    transport.close();
                }
            }
        });
        let result = transfer();
        drop(working);
        // What a closed connection makes of an answer is nobody's failure.
        result.map_err(|error| if cancelled() { RemoteError::Cancelled } else { error })
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::time::Instant;

    use super::super::{DownloadWatch, download};
    use super::*;

    #[test]
    fn half_a_file_of_unknown_length_is_no_file() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/f", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhalf").unwrap();
            stream
        });
        let file = tempfile::NamedTempFile::new().unwrap();
        let begun = Instant::now();
        let is_enough = || begun.elapsed() > Duration::from_millis(300);
        let watch = DownloadWatch { progress: &|_, _| {}, cancelled: &is_enough };
        let result = download(&url, None, &mut file.reopen().unwrap(), file.path(), &watch);
        assert!(matches!(result, Err(RemoteError::Cancelled)), "{result:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        drop(server.join());
    }
}
