//! The takes of one request, spread over the slots of a cluster.
//!
//! A script runs on one node, so takes with different keys are as many scripts, run at the same time. All or nothing is kept
//! by giving back: if one slot denies or fails, what the others took is given back at once. Between the two, a moment, somebody
//! else may be denied for it; nobody is admitted who would not have been. A slot that did not answer may have taken, and
//! nothing is given back there.

use mantlet_limit::{Outcome, Take};

use super::trip::slot;
use crate::error::StoreError;

/// Takes of one slot, or of one server, and where they stood in the request.
pub struct Share {
    /// The takes.
    pub takes: Vec<Take>,
    places: Vec<usize>,
}

impl Share {
    /// All takes of a request, for one server.
    pub fn whole(takes: Vec<Take>) -> Self {
        let places = (0..takes.len()).collect();
        Self { takes, places }
    }
}

/// The takes by their slots, in the order of their first.
pub fn shares(takes: &[Take]) -> Vec<Share> {
    let mut shares = Vec::<(u16, Share)>::new();
    for (place, take) in takes.iter().enumerate() {
        let slot = slot(take);
        match shares.iter_mut().find(|(known, _)| *known == slot) {
            Some((_, share)) => {
                share.takes.push(take.clone());
                share.places.push(place);
            }
            None => shares.push((
                slot,
                Share {
                    takes: vec![take.clone()],
                    places: vec![place],
                },
            )),
        }
    }
    shares.into_iter().map(|(_, share)| share).collect()
}

/// Whether all `takes` are of one slot.
#[cfg(any(feature = "tokio", feature = "blocking"))]
pub(crate) fn share_a_slot(takes: &[Take]) -> bool {
    takes
        .windows(2)
        .all(|pair| pair[0].key == pair[1].key || slot(&pair[0]) == slot(&pair[1]))
}

/// The answer to a whole request, and what has to be given back.
pub type Gathered = (Result<Vec<Outcome>, StoreError>, Vec<Take>);

/// One answer of those of the shares.
pub fn gather(shares: Vec<Share>, answers: Vec<Result<Vec<Outcome>, StoreError>>) -> Gathered {
    let took = |answer: &Result<Vec<Outcome>, StoreError>| {
        answer
            .as_ref()
            .is_ok_and(|outcomes| outcomes.iter().all(Outcome::is_admitted))
    };
    let all = answers.iter().all(took);
    let mut told = Vec::new();
    let mut back = Vec::new();
    let mut fault = None;
    for (share, answer) in shares.into_iter().zip(answers) {
        let given = !all && took(&answer);
        match answer {
            Ok(mut outcomes) => {
                if given {
                    for (outcome, take) in outcomes.iter_mut().zip(&share.takes) {
                        outcome.remaining = outcome.remaining.saturating_add(take.cost);
                    }
                }
                told.extend(share.places.into_iter().zip(outcomes));
            }
            Err(error) => fault = fault.or(Some(error)),
        }
        if given {
            back.extend(share.takes.into_iter().filter(|take| take.cost > 0));
        }
    }
    told.sort_unstable_by_key(|(place, _)| *place);
    let outcomes = told.into_iter().map(|(_, outcome)| outcome).collect();
    (fault.map_or(Ok(outcomes), Err), back)
}

/// The same takes, asking what is left.
#[cfg(feature = "tokio")]
pub(crate) fn asking(takes: &[Take]) -> Vec<Take> {
    takes
        .iter()
        .map(|take| Take {
            cost: 0,
            ..take.clone()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mantlet_limit::{Admission, Algorithm, Quota, RemoteKey, Rule};

    use super::*;

    fn take(limit: &str, key: &[u8]) -> Take {
        let quota = Quota::new(10, Duration::from_secs(1)).unwrap();
        Take {
            limit: limit.into(),
            rule: Rule::new(quota, Algorithm::TokenBucket).unwrap(),
            key: RemoteKey::new(&[key]),
            cost: 2,
        }
    }

    fn outcome(admission: Admission, remaining: u32) -> Outcome {
        Outcome {
            admission,
            remaining,
            next: Duration::ZERO,
            reset: Duration::ZERO,
            retry_after: Duration::ZERO,
        }
    }

    fn three() -> Vec<Take> {
        vec![take("a", b"x"), take("b", b"y"), take("c", b"x")]
    }

    #[test]
    fn takes_of_one_key_share_a_slot() {
        let shares = shares(&three());
        let places: Vec<_> = shares.iter().map(|share| share.places.clone()).collect();
        assert_eq!(places, [vec![0, 2], vec![1]]);
        assert!(share_a_slot(&shares[0].takes));
        assert!(!share_a_slot(&three()));
    }

    #[test]
    fn all_admitted_gives_nothing_back_and_keeps_the_order() {
        let yes = |left| outcome(Admission::Admitted, left);
        let answers = vec![Ok(vec![yes(1), yes(3)]), Ok(vec![yes(2)])];
        let (told, back) = gather(shares(&three()), answers);
        let left: Vec<_> = told
            .unwrap()
            .iter()
            .map(|outcome| outcome.remaining)
            .collect();
        assert_eq!(left, [1, 2, 3]);
        assert!(back.is_empty());
    }

    #[test]
    fn what_was_taken_beside_a_denial_is_given_back() {
        let answers = vec![
            Ok(vec![
                outcome(Admission::Admitted, 1),
                outcome(Admission::Admitted, 3),
            ]),
            Ok(vec![outcome(Admission::Exceeded, 0)]),
        ];
        let (told, back) = gather(shares(&three()), answers);
        let left: Vec<_> = told
            .unwrap()
            .iter()
            .map(|outcome| outcome.remaining)
            .collect();
        assert_eq!(left, [3, 0, 5]);
        let names: Vec<_> = back.iter().map(|take| &*take.limit).collect();
        assert_eq!(names, ["a", "c"]);
    }

    #[test]
    fn what_was_taken_beside_a_failure_is_given_back() {
        let answers = vec![
            Err(StoreError::Timeout),
            Ok(vec![outcome(Admission::Admitted, 1)]),
        ];
        let (told, back) = gather(shares(&three()), answers);
        assert_eq!(told, Err(StoreError::Timeout));
        assert_eq!(back.len(), 1);
        // a share that denied took nothing, although one of its limits admits
        let answers = vec![
            Ok(vec![
                outcome(Admission::Admitted, 1),
                outcome(Admission::Exceeded, 0),
            ]),
            Err(StoreError::Timeout),
        ];
        assert!(gather(shares(&three()), answers).1.is_empty());
    }
}
