//! When a container is started again.

use std::time::Duration;

use crate::container::spec::RestartPolicy;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(60);
/// A container that ran so long was healthy; the next delay is the first again.
const HEALTHY: Duration = Duration::from_secs(10);

/// The growing delay between restarts.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) fn new() -> Self {
        Self(FIRST)
    }

    /// How long to wait after a run of this length.
    pub(super) fn next(&mut self, ran: Duration) -> Duration {
        if ran >= HEALTHY {
            self.0 = FIRST;
        }
        let delay = self.0;
        self.0 = (delay * 2).min(LONGEST);
        delay
    }
}

/// Whether the policy wants another run.
pub(super) fn again(policy: RestartPolicy, status: u8, restarts: u32, stopping: bool) -> bool {
    if stopping {
        return false;
    }
    match policy {
        RestartPolicy::No => false,
        RestartPolicy::OnFailure(most) => status != 0 && most.is_none_or(|most| restarts < most),
        RestartPolicy::Always | RestartPolicy::UnlessStopped => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_and_begin_anew_after_a_healthy_run() {
        let mut backoff = Backoff::new();
        let short = Duration::from_secs(1);
        let delays: Vec<u128> = (0..12).map(|_| backoff.next(short).as_millis()).collect();
        assert_eq!(delays.get(..4), Some([100, 200, 400, 800].as_slice()));
        assert_eq!(delays.last(), Some(&60_000));
        assert_eq!(backoff.next(HEALTHY), FIRST);
    }

    #[test]
    fn policies() {
        use RestartPolicy::{Always, No, OnFailure};
        assert!(!again(No, 1, 0, false));
        assert!(again(OnFailure(None), 1, 99, false) && !again(OnFailure(None), 0, 0, false));
        assert!(again(OnFailure(Some(2)), 1, 1, false) && !again(OnFailure(Some(2)), 1, 2, false));
        assert!(again(Always, 0, 5, false) && !again(Always, 1, 0, true));
    }
}
