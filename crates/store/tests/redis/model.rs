//! What the script has to say, in whole numbers and with every request remembered.

/// How a limit is counted; times are microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Bucket {
        requests: u64,
        window: u64,
        burst: u64,
    },
    Log {
        requests: u64,
        window: u64,
    },
    Strict {
        requests: u64,
        window: u64,
    },
    Interpolated {
        requests: u64,
        window: u64,
    },
}

impl Way {
    pub(crate) fn all(self) -> u64 {
        match self {
            Self::Bucket { burst, .. } => burst,
            Self::Log { requests, .. }
            | Self::Strict { requests, .. }
            | Self::Interpolated { requests, .. } => requests,
        }
    }
}

/// A limit and everything it admitted.
pub(crate) struct Model {
    way: Way,
    /// When, and how much.
    admitted: Vec<(u64, u64)>,
    /// A bucket's debt at its last change, in microseconds times requests.
    level: u128,
    since: u64,
}

impl Model {
    pub(crate) fn new(way: Way) -> Self {
        Self {
            way,
            admitted: Vec::new(),
            level: 0,
            since: 0,
        }
    }

    /// Whether `cost` is admitted at `now`, and what is left after it.
    pub(crate) fn take(&mut self, now: u64, cost: u64) -> (bool, u64) {
        let left = self.left(now);
        if cost > left {
            return (false, left);
        }
        if cost > 0 {
            self.admitted.push((now, cost));
            self.settle(now);
            if let Way::Bucket { window, .. } = self.way {
                self.level += u128::from(cost) * u128::from(window);
            }
        }
        (true, self.left(now))
    }

    pub(crate) fn give_back(&mut self, now: u64, mut cost: u64) {
        self.settle(now);
        if let Way::Bucket { window, .. } = self.way {
            self.level = self
                .level
                .saturating_sub(u128::from(cost) * u128::from(window));
        }
        for (at, held) in self.admitted.iter_mut().rev() {
            // what has left the window is nobody's to give back
            let gone = match self.way {
                Way::Bucket { .. } => true,
                Way::Log { window, .. } => *at + window <= now,
                Way::Strict { window, .. } | Way::Interpolated { window, .. } => {
                    let step = window.div_ceil(10);
                    now / step - *at / step > 10
                }
            };
            if !gone {
                let part = cost.min(*held);
                *held -= part;
                cost -= part;
            }
        }
    }

    fn settle(&mut self, now: u64) {
        if let Way::Bucket { requests, .. } = self.way {
            let drained = u128::from(now - self.since) * u128::from(requests);
            self.level = self.level.saturating_sub(drained);
        }
        self.since = now;
    }

    fn left(&self, now: u64) -> u64 {
        match self.way {
            Way::Bucket {
                requests,
                window,
                burst,
            } => {
                let drained = u128::from(now - self.since) * u128::from(requests);
                let level = self.level.saturating_sub(drained);
                let full = u128::from(burst) * u128::from(window);
                u64::try_from((full - level) / u128::from(window)).unwrap()
            }
            Way::Log { requests, window } => requests - self.sum(|at| at + window > now),
            Way::Strict { requests, window } => {
                let step = window.div_ceil(10);
                let used = self.sum(|at| now / step - at / step <= 10);
                requests.saturating_sub(used)
            }
            Way::Interpolated { requests, window } => {
                let step = window.div_ceil(10);
                let inside = self.sum(|at| now / step - at / step < 10);
                let leaving = self.sum(|at| now / step - at / step == 10);
                let weight = step - now % step;
                let weighed = (u128::from(leaving) * u128::from(weight)).div_ceil(u128::from(step));
                requests.saturating_sub(inside + u64::try_from(weighed).unwrap())
            }
        }
    }

    fn sum(&self, counts: impl Fn(u64) -> bool) -> u64 {
        self.admitted
            .iter()
            .filter(|(at, _)| counts(*at))
            .map(|(_, held)| held)
            .sum()
    }
}
