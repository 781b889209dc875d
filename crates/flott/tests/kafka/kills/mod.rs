//! The program is killed at any instant (`kill -9`), again and again, started twice, or frozen and replaced, while messages come in and
//! brokers go away: every row is there exactly once.

mod scene;

use std::sync::RwLock;
use std::thread::sleep;
use std::time::Duration;

use flott_testkit::kafka::{Broker, shared};

use scene::{Handle, Random, Scene, TRANSACTION_TIMEOUT_MS, ends_within, kill, said, signal, times};

/// How long an instance that was replaced may go on.
const LEAVES_WITHIN: Duration = Duration::from_secs(10);

fn wait_ms(ms: u64) {
    sleep(Duration::from_millis(ms));
}

#[test]
fn every_row_is_there_once_however_often_program_and_broker_are_killed() {
    if shared().is_none() {
        return;
    }
    let kills = times("FLOTT_KILLS", 14);
    Scene::new(Handle::Own(Box::new(RwLock::new(Broker::start()))), "kills").play(|scene| {
        let mut random = Random(42);
        for n in 0..kills {
            let mut run = scene.start(1 + n % 3);
            wait_ms(50 + random.below(900));
            match n % 24 {
                // Away for longer than a transaction may be open, while the program is killed and started again.
                13 => scene.broker.without(|| {
                    wait_ms(TRANSACTION_TIMEOUT_MS / 2 + random.below(TRANSACTION_TIMEOUT_MS));
                    kill(std::mem::replace(&mut run, scene.start(1)));
                    wait_ms(TRANSACTION_TIMEOUT_MS / 2 + 500);
                }),
                5 | 21 => scene.broker.without(|| wait_ms(random.below(300))),
                _ => {}
            }
            if matches!(n % 24, 5 | 13 | 21) {
                wait_ms(random.below(2000));
            }
            kill(run);
        }
    });
}

#[test]
fn kills_during_recovery() {
    let Some(broker) = shared() else { return };
    let kills = times("FLOTT_EARLY_KILLS", 6);
    Scene::new(Handle::Shared(broker), "early").play(|scene| {
        let mut random = Random(7);
        for n in 0..kills {
            // Something to recover comes up in between.
            let run = scene.start(1 + n % 2);
            let first = random.below(2000);
            wait_ms(first * first / 2000);
            kill(run);
        }
    });
}

/// Whether an instance says why it left: another one has the directory, or has taken over here or at the broker.
fn says_that_it_left(text: &str) -> bool {
    text.contains("already running") || text.contains("fenced")
}

#[test]
fn a_job_that_is_started_twice_runs_once() {
    let Some(broker) = shared() else { return };
    let starts = times("FLOTT_DOUBLE_STARTS", 4);
    Scene::new(Handle::Shared(broker), "twice").play(|scene| {
        let mut random = Random(3);
        for n in 0..starts {
            let mut first = scene.start(1);
            if n % 2 == 1 {
                // As on a file system that does not honour locks: the second one is not kept away.
                while scene.lock().is_none() {
                    wait_ms(5);
                }
                wait_ms(random.below(500));
                let lock = scene.lock().unwrap();
                std::fs::rename(&lock, lock.with_extension("old")).unwrap();
            }
            let mut second = scene.start(2);
            let since = std::time::Instant::now();
            let (left, stays) = loop {
                match (first.try_wait().unwrap(), second.try_wait().unwrap()) {
                    (Some(_), None) => break (first, second),
                    (None, Some(_)) => break (second, first),
                    (Some(_), Some(_)) => panic!("both have left: {}\n{}", said(first), said(second)),
                    (None, None) => assert!(since.elapsed() < LEAVES_WITHIN, "both go on"),
                }
                wait_ms(10);
            };
            let text = said(left);
            assert!(says_that_it_left(&text), "{text}");
            wait_ms(random.below(600));
            kill(stays);
        }
    });
}

#[test]
fn an_instance_that_was_frozen_and_replaced_writes_nothing() {
    let Some(broker) = shared() else { return };
    let freezes = times("FLOTT_FREEZES", 2);
    Scene::new(Handle::Shared(broker), "frozen").play(|scene| {
        let mut random = Random(5);
        for _ in 0..freezes {
            let mut old = scene.start(1);
            while scene.lock().is_none() {
                wait_ms(5);
            }
            wait_ms(150 + random.below(1200));
            signal(&old, "STOP");
            let lock = scene.lock().unwrap();
            std::fs::rename(&lock, lock.with_extension("old")).unwrap();
            let new = scene.start(2);
            wait_ms(300 + random.below(TRANSACTION_TIMEOUT_MS + 1000));
            signal(&old, "CONT");
            assert!(ends_within(&mut old, LEAVES_WITHIN), "it goes on although it was replaced");
            let text = said(old);
            assert!(text.contains("fenced"), "{text}");
            wait_ms(random.below(600));
            kill(new);
        }
    });
}
