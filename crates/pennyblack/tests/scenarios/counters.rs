//! X24, X25: what the counters of a server say after some use.

use crate::internet::submit;
use crate::tools::{eventually, succeed};
use crate::trial::Trial;
use crate::wire::Wire;

#[test]
fn x25_counters_after_some_use() {
    let trial = Trial::start();
    submit(&trial, "friend@elsewhere.test", "counted");
    let mut wire = Wire::open(&trial, "smtp");
    wire.reply().expect("a greeting");
    for line in [
        "EHLO client.example",
        "MAIL FROM:<>",
        "RCPT TO:<nobody@example.test>",
    ] {
        wire.send(format!("{line}\r\n").as_bytes());
        wire.reply().expect("a reply");
    }
    let wanted = [
        "pennyblack_build_info{version=",
        "pennyblack_start_time_seconds ",
        "pennyblack_connections{proto=\"smtp\",tls=\"no\"} 1",
        "pennyblack_connections_total{proto=\"submissions\",result=",
        "pennyblack_smtp_in_messages_total{listener=\"submission\",action=\"accept\"} 1",
        "pennyblack_smtp_in_rejects_total{reason=\"rcpt\"} 1",
        "pennyblack_smtp_tls_total{dir=\"in\",version=\"TLSv1.3\",verified=\"no\"} 1",
        "pennyblack_auth_total{proto=\"submission\",mech=\"PLAIN\",result=\"ok\"} 1",
        "pennyblack_bans{reason=",
        "pennyblack_queue_messages{state=\"pending\"} 0",
        "pennyblack_queue_attempts_total{result=\"sent\",provider=\"other\"} 1",
        "pennyblack_delivery_seconds_bucket{",
        "pennyblack_store_commit_seconds_bucket{",
        "pennyblack_cert_expiry_seconds{name=",
    ];
    let missing = |text: &str| -> Vec<&str> {
        let there = |name: &&str| text.lines().any(|line| line.starts_with(*name));
        wanted.into_iter().filter(|name| !there(name)).collect()
    };
    let mut text = String::new();
    eventually("all counters", || {
        text = succeed(&mut trial.command(&["metrics"]));
        println!("missing: {:?}", missing(&text));
        missing(&text).is_empty().then_some(())
    });
    assert!(
        !text.contains("pennyblack_store_commit_seconds_count 0"),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"), "OpenMetrics ends so");
}
