use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mantlet_limit::Reading;
use tempfile::TempDir;
use tracing::field::{Field, Visit};
use tracing::span;

use super::Sensors;

/// A host whose files the test writes.
struct Host {
    root: TempDir,
    start: Instant,
}

const OWN: &str = "sys/fs/cgroup/web.slice/app.service";

impl Host {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            start: Instant::now(),
        }
    }

    /// With cgroup v2, and this process in `web.slice/app.service`.
    fn with_cgroup() -> Self {
        let host = Self::new();
        host.write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
        host.write("proc/self/cgroup", "0::/web.slice/app.service\n");
        fs::create_dir_all(host.root.path().join(OWN)).unwrap();
        host
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn own(&self, file: &str, text: &str) -> &Self {
        self.write(&format!("{OWN}/{file}"), text)
    }

    fn stat(&self, busy: u64, idle: u64) -> &Self {
        self.write(
            "proc/stat",
            &format!("cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 2\n"),
        )
    }

    fn meminfo(&self, total: u64, available: u64) -> &Self {
        let text =
            format!("MemTotal:       {total} kB\nMemFree: 1 kB\nMemAvailable:   {available} kB\n");
        self.write("proc/meminfo", &text)
    }

    fn sensors(&self) -> Sensors {
        Sensors::below(self.root.path())
    }

    fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }
}

fn near(value: Option<f64>, expected: f64) -> bool {
    value.is_some_and(|value| (value - expected).abs() < 1e-9)
}

#[test]
fn the_host_is_read_where_there_is_no_cgroup() {
    let host = Host::new();
    host.stat(1000, 9000).meminfo(1000, 250);
    let mut sensors = host.sensors();
    let first = sensors.read_at(host.at(0));
    assert_eq!(first.cpu, None);
    assert!(near(first.memory, 0.75));
    host.stat(1300, 9100);
    assert!(near(sensors.read_at(host.at(250)).cpu, 0.75));
    host.stat(1300, 9200);
    assert!(near(sensors.read_at(host.at(500)).cpu, 0.0));
}

#[test]
fn version_1_and_mixed_hosts_count_as_the_host() {
    let host = Host::with_cgroup();
    fs::remove_file(host.root.path().join("sys/fs/cgroup/cgroup.controllers")).unwrap();
    host.own("memory.max", "1000\n")
        .own("memory.current", "1000\n");
    host.own("memory.stat", "inactive_file 0\n");
    host.meminfo(1000, 900);
    assert!(near(host.sensors().read_at(host.at(0)).memory, 0.1));
}

#[test]
fn the_quota_of_the_own_group_counts_and_not_the_host() {
    let host = Host::with_cgroup();
    host.stat(1000, 9000).meminfo(1000, 0);
    host.own("cpu.max", "200000 100000\n");
    host.own(
        "cpu.stat",
        "usage_usec 1000000\nnr_periods 10\nnr_throttled 0\n",
    );
    host.own("memory.max", "1000\n")
        .own("memory.current", "900\n");
    host.own("memory.stat", "anon 1\ninactive_file 400\nactive_file 3\n");
    let mut sensors = host.sensors();
    let first = sensors.read_at(host.at(0));
    assert_eq!(first.cpu, None);
    assert!(near(first.memory, 0.5));
    // 0.4 s of CPU in half a second of two processors
    host.own(
        "cpu.stat",
        "usage_usec 1400000\nnr_periods 15\nnr_throttled 0\n",
    );
    host.stat(2000, 9000);
    assert!(near(sensors.read_at(host.at(500)).cpu, 0.4));
    // it used little, and was throttled in four periods of five
    host.own(
        "cpu.stat",
        "usage_usec 1500000\nnr_periods 20\nnr_throttled 4\n",
    );
    assert!(near(sensors.read_at(host.at(1000)).cpu, 0.8));
    // more than its quota is all of it
    host.own(
        "cpu.stat",
        "usage_usec 9500000\nnr_periods 25\nnr_throttled 4\n",
    );
    assert!(near(sensors.read_at(host.at(1500)).cpu, 1.0));
}

#[test]
fn a_group_above_binds_too() {
    let host = Host::with_cgroup();
    host.own("cpu.max", "max 100000\n")
        .own("memory.max", "max\n");
    let slice = "sys/fs/cgroup/web.slice";
    host.write(&format!("{slice}/cpu.max"), "100000 100000\n");
    host.write(&format!("{slice}/cpu.stat"), "usage_usec 0\n");
    host.write(&format!("{slice}/memory.max"), "100\n");
    host.write(&format!("{slice}/memory.current"), "80\n");
    host.write(&format!("{slice}/memory.stat"), "inactive_file 10\n");
    let mut sensors = host.sensors();
    assert!(near(sensors.read_at(host.at(0)).memory, 0.7));
    host.write(&format!("{slice}/cpu.stat"), "usage_usec 600000\n");
    assert!(near(sensors.read_at(host.at(1000)).cpu, 0.6));
}

#[test]
fn without_a_quota_the_waiting_of_the_own_group_counts() {
    let host = Host::with_cgroup();
    host.stat(1000, 0).meminfo(1000, 0);
    host.own("cpu.max", "max 100000\n")
        .own("memory.max", "max\n");
    host.own(
        "cpu.pressure",
        "some avg10=37.50 avg60=1.00 avg300=0.00 total=1\nfull avg10=99.00\n",
    );
    host.own(
        "memory.pressure",
        "some avg10=2.00 avg60=1.00 avg300=0.00 total=1\n",
    );
    let reading = host.sensors().read_at(host.at(0));
    assert!(near(reading.cpu, 0.375));
    assert!(near(reading.memory, 0.02));
}

#[test]
fn without_any_of_it_the_host_counts() {
    let host = Host::with_cgroup();
    host.stat(0, 100).meminfo(1000, 100);
    host.own("cpu.max", "max 100000\n")
        .own("memory.max", "max\n");
    let mut sensors = host.sensors();
    assert!(near(sensors.read_at(host.at(0)).memory, 0.9));
    host.stat(50, 150);
    assert!(near(sensors.read_at(host.at(250)).cpu, 0.5));
}

#[test]
fn the_folder_of_the_group_may_be_out_of_sight() {
    for path in ["0::/../../other\n", "0::/not/here\n", "1:cpu:/\n0::/\n"] {
        let host = Host::with_cgroup();
        host.write("proc/self/cgroup", path);
        host.write("sys/fs/cgroup/memory.max", "100\n");
        host.write("sys/fs/cgroup/memory.current", "60\n");
        host.write("sys/fs/cgroup/memory.stat", "inactive_file 0\n");
        let memory = host.sensors().read_at(host.at(0)).memory;
        assert!(near(memory, 0.6), "{path}: {memory:?}");
    }
}

#[test]
fn nonsense_is_nothing() {
    let host = Host::with_cgroup();
    host.own("cpu.max", "0 0\n")
        .own("cpu.stat", "usage_usec x\n");
    host.own("cpu.pressure", "some avg10=x\n")
        .own("memory.max", "0\n");
    host.write("proc/stat", "cpu  1 2\n")
        .write("proc/meminfo", "MemTotal: 0 kB\nMemAvailable: 0 kB\n");
    let mut sensors = host.sensors();
    for millis in [0, 250, 500] {
        assert_eq!(sensors.read_at(host.at(millis)), Reading::default());
    }
    // a counter that went back is no use of it
    host.own("cpu.max", "100000 100000\n")
        .own("cpu.stat", "usage_usec 1000\n");
    sensors.read_at(host.at(750));
    host.own("cpu.stat", "usage_usec 5\n");
    assert!(near(sensors.read_at(host.at(1000)).cpu, 0.0));
}

#[test]
fn readings_at_once_are_the_same() {
    let host = Host::new();
    host.stat(0, 0).meminfo(100, 50);
    let mut sensors = host.sensors();
    let first = sensors.read_at(host.at(0));
    host.meminfo(100, 10);
    assert_eq!(sensors.read_at(host.at(49)), first);
    assert!(near(sensors.read_at(host.at(50)).memory, 0.9));
}

#[cfg(target_os = "linux")]
#[test]
fn this_host_can_be_read() {
    let mut sensors = Sensors::new();
    let reading = sensors.read();
    assert!(
        reading.memory.is_some_and(|it| (0.0..=1.0).contains(&it)),
        "{reading:?}"
    );
    assert!(Path::new("/proc/stat").exists());
}

/// What was logged, a line each.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn a_sensor_that_cannot_be_read_is_logged_once() {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        let host = Host::new();
        host.stat(0, 100);
        let mut sensors = host.sensors();
        for millis in [0, 250, 500, 750] {
            assert_eq!(sensors.read_at(host.at(millis)).memory, None);
        }
        let lines = log.0.lock().unwrap().clone();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("memory"), "{lines:?}");
    });
}
