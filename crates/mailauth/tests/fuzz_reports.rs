//! Reports, mutated: whatever an address that reads by itself is sent, it is read or refused, in bounded time and memory, and what was
//! read can be written down and read again.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

#[path = "../../message/tests/mutation/mod.rs"]
mod mutation;

use flate2::Compression;
use flate2::write::GzEncoder;
use mailauth::report::{Report, read};
use mutation::{mutated, seeds};
use proptest::prelude::*;
use std::io::Write as _;
use std::path::Path;

fn corpus() -> Vec<Vec<u8>> {
    let mut all = seeds(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports"));
    let packed: Vec<Vec<u8>> = all.iter().map(|octets| gzip(octets)).collect();
    all.extend(packed);
    all
}

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

fn look(octets: &[u8]) {
    let Ok(reports) = read(octets) else {
        return;
    };
    for report in reports {
        let json = serde_json::to_vec(&report).unwrap();
        assert_eq!(serde_json::from_slice::<Report>(&json).unwrap(), report);
        if let Report::Dmarc(report) = report {
            let written = report.xml("fuzz");
            let again = read(written.as_bytes()).unwrap();
            let Report::Dmarc(again) = &again[0] else {
                panic!("it is another report now");
            };
            assert_eq!(again.rows.len(), report.rows.len());
            assert_eq!(again.totals(), report.totals());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn mutated_reports_are_read_or_refused(octets in mutated(corpus())) {
        look(&octets);
    }

    #[test]
    fn what_is_unpacked_is_no_more_trusted(octets in mutated(corpus())) {
        look(&gzip(&octets));
    }
}
