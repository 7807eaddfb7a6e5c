#![allow(missing_docs)]
use crate::{Key, Moment, Outcome, RemoteKey, Secret};
pub struct Concurrency;
#[derive(Debug)]
pub struct Ticket;
#[derive(Clone, Copy, Debug)]
pub enum Left {
    Answered,
    Dropped,
    Ignored,
}
impl Concurrency {
    pub fn new(_: u32, _: u32) -> Self {
        Self
    }
    pub fn enter(&self, _: Moment) -> Option<Ticket> {
        Some(Ticket)
    }
    pub fn leave(&self, _: Ticket, _: Moment, _: Left) {}
    pub fn limit(&self) -> u32 {
        0
    }
    pub fn in_flight(&self) -> u32 {
        0
    }
}
pub struct DenyMemo;
impl DenyMemo {
    pub fn new(_: Secret) -> Self {
        Self
    }
    pub fn denied(&self, _: &RemoteKey, _: u32, _: Moment) -> Option<Outcome> {
        None
    }
    pub fn note(&self, _: &RemoteKey, _: u32, _: &Outcome, _: Moment) {}
}
#[allow(dead_code)]
fn unused(_: Key) {}
impl crate::Rule {
    pub fn share(&self, _: u32) -> Self {
        *self
    }
}
