//! What was aimed at, and how far each target is.

use super::figures::{Report, Store};
use super::peers::OUR_SERVER;
use crate::steps::Figures;

/// One target.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) step: &'static str,
    pub(crate) target: &'static str,
    pub(crate) seen: String,
    pub(crate) verdict: Verdict,
}

/// How far a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Reached,
    Missed,
    /// Reached as far as was measured, which is not as far as the target goes.
    SoFar,
    NotMeasured,
}

impl Verdict {
    fn of(is_reached: bool, is_whole: bool) -> Self {
        match (is_reached, is_whole) {
            (false, _) => Self::Missed,
            (true, true) => Self::Reached,
            (true, false) => Self::SoFar,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Missed => "**missed**",
            Self::SoFar => "reached so far",
            Self::NotMeasured => "not measured",
        }
    }
}

const MILLION: usize = 1_000_000;
/// How much of the first rate the last one must be to count as flat.
const FLAT: f64 = 0.8;

/// All targets, with what was seen.
pub(crate) fn all(report: &Report) -> Vec<Row> {
    let memory = report.store("memory");
    let sqlite = report.store("sqlite");
    vec![
        ratio("GET by id, memory", "0.9 h", memory, "get", 0.9),
        ratio("`userName eq`, memory", "0.8 h", memory, "user_name", 0.8),
        growth(
            "GET by id, memory, growth",
            "at most 10% slower at 1,000,000 than at 1,000",
            memory,
            "get",
            0.9,
        ),
        growth("`userName eq`, memory, growth", "the same", memory, "user_name", 0.9),
        ratio("GET by id, SQLite", "0.5 h", sqlite, "get", 0.5),
        ratio("`userName eq`, SQLite", "0.5 h", sqlite, "user_name", 0.5),
        ratio("create, memory", "0.6 h", memory, "create", 0.6),
        growth("create, memory, growth", "flat from 0 to 1,000,000", memory, "create", FLAT),
        ratio("PATCH of one attribute, memory", "0.6 h", memory, "patch", 0.6),
        growth("PATCH of one attribute, memory, growth", "flat", memory, "patch", FLAT),
        durable(report),
        members("add or remove a member, memory", "0.5 h in groups of 10, 1,000 and 100,000", memory, 0.5),
        members("add or remove a member, SQLite", "0.25 h", sqlite, 0.25),
        members_growth("add or remove a member, memory, growth", memory),
        members_growth("add or remove a member, SQLite, growth", sqlite),
        pages(memory),
        cursors("page in the middle by cursor, memory", memory),
        cursors("page in the middle by cursor, SQLite", sqlite),
        ratio("`emails[type eq \"work\" and value eq ...]`, memory", "0.7 h", memory, "value_path", 0.7),
        scan("unindexed filter over 10,000 users, memory", memory),
        scan("unindexed filter over 10,000 users, SQLite", sqlite),
        micro(report, "parse `userName eq \"x\"`", "70 ns", "parse F1", 70.0),
        micro(report, "parse filter 7", "400 ns", "parse F7", 400.0),
        micro(report, "parse filter 8", "1.6 µs", "parse F8", 1600.0),
        parsers(report),
        micro(report, "User of 1,970 bytes: read and validate", "6 µs", "user: read and validate", 6000.0),
        micro(report, "write it unprojected, as it is stored", "0.3 µs", "user: answer unprojected", 300.0),
        micro(report, "write it projected", "1.5 µs", "user: write projected", 1500.0),
        memory_row("memory of 10,000 users, memory store", "20 MiB", memory, 10_000, 20.0),
        memory_row("memory of 1,000,000 users, SQLite", "64 MiB", sqlite, MILLION, 64.0),
        start(sqlite),
        builds(report, "cold release build, server core without SQL", "40 s", 40.0, |builds| builds.server),
        builds(report, "cold release build, scim-filter", "5 s", 5.0, |builds| builds.filter),
        bulk(report),
        peers(
            report,
            "`userName eq` at 10,000, against the fastest correct peer",
            "100 times",
            &["filter_eq"],
            100.0,
        ),
        peers(
            report,
            "member edit in a group of 10,000, the same",
            "10,000 times",
            &["group_add1", "group_del1"],
            10_000.0,
        ),
        sync(report),
        kill(report),
    ]
}

fn row(step: &'static str, target: &'static str, seen: Option<(String, Verdict)>) -> Row {
    let (seen, verdict) = seen.unwrap_or((String::new(), Verdict::NotMeasured));
    Row { step, target, seen, verdict }
}

/// The worst part of h over all numbers of users.
fn ratio(step: &'static str, target: &'static str, store: Option<&Store>, key: &str, least: f64) -> Row {
    let seen = store.and_then(|store| {
        let ratios = store.series(key).filter_map(|(users, figures)| Some((users, right(figures)?.ratio()?)));
        let (users, worst) = ratios.min_by(|a, b| a.1.total_cmp(&b.1))?;
        let text = format!("{worst:.2} h at {}", number(users));
        Some((text, Verdict::of(worst >= least, store.largest() >= MILLION)))
    });
    row(step, target, seen)
}

/// How the last part of h compares with the first one: what else the machine does is in both of a pair.
fn growth(step: &'static str, target: &'static str, store: Option<&Store>, key: &str, least: f64) -> Row {
    let seen = store.and_then(|store| {
        let mut series = store.series(key).filter(|(_, figures)| figures.measured.answers > 500);
        let (from, first) = series.next()?;
        let (to, last) = series.next_back()?;
        let grown = right(last)?.ratio()? / right(first)?.ratio()?;
        let text = format!("{grown:.2} times as fast at {} as at {}", number(to), number(from));
        Some((text, Verdict::of(grown >= least, to >= MILLION)))
    });
    row(step, target, seen)
}

/// Figures count only if everything was answered as it must be.
fn right(figures: &Figures) -> Option<&Figures> {
    figures.measured.is_right().then_some(figures)
}

fn durable(report: &Report) -> Row {
    let seen = report.store("sqlite").and_then(|store| {
        let (users, worst) = store
            .series("create")
            .filter(|(_, figures)| figures.measured.answers > 500)
            .filter_map(|(users, figures)| Some((users, right(figures)?.measured.rate)))
            .min_by(|a, b| a.1.total_cmp(&b.1))?;
        let limit = report.disk.as_ref().map(|disk| disk.figures.limit());
        let part =
            limit.map(|limit| format!(", {:.0}% of {:.0}", 100.0 * worst / limit, limit)).unwrap_or_default();
        let is_reached = worst >= 8000.0 || limit.is_some_and(|limit| worst >= 0.8 * limit);
        let text = format!("{worst:.0}/s at {}{part}", number(users));
        Some((text, Verdict::of(is_reached, store.largest() >= MILLION)))
    });
    row("create, SQLite, durable, 64 connections", "8,000/s or 80% of the disk's group commit", seen)
}

const GROUPS: [(usize, &str); 3] = [(10, "member_10"), (1000, "member_1000"), (100_000, "member_100000")];

fn members(step: &'static str, target: &'static str, store: Option<&Store>, least: f64) -> Row {
    let seen = store.and_then(|store| {
        let of = |(size, key): &(usize, &str)| {
            let (_, figures) = store.series(key).next_back()?;
            Some((*size, right(figures)?.ratio()?))
        };
        let ratios: Vec<_> = GROUPS.iter().filter_map(of).collect();
        let worst = ratios.iter().map(|(_, ratio)| *ratio).min_by(f64::total_cmp)?;
        let text: Vec<_> =
            ratios.iter().map(|(size, ratio)| format!("{ratio:.2} h of {}", number(*size))).collect();
        Some((text.join(", "), Verdict::of(worst >= least, ratios.len() == GROUPS.len())))
    });
    row(step, target, seen)
}

fn members_growth(step: &'static str, store: Option<&Store>) -> Row {
    let seen = store.and_then(|store| {
        let of = |(size, key): &(usize, &str)| {
            let (_, figures) = store.series(key).next_back()?;
            Some((*size, right(figures)?.measured.p50))
        };
        let times: Vec<_> = GROUPS.iter().filter_map(of).collect();
        let (Some((small, first)), Some((large, last))) = (times.first(), times.last()) else { return None };
        let text = format!("{:.2} times from {} to {}", last / first, number(*small), number(*large));
        Some((text, Verdict::of(last / first <= 1.3, times.len() == GROUPS.len())))
    });
    row(step, "p50 at most 1.3 times", seen)
}

fn pages(store: Option<&Store>) -> Row {
    let seen = store.and_then(|store| {
        let rates = store.series("page_first").filter(|(users, _)| *users >= 10_000);
        let rates = rates.filter_map(|(users, figures)| Some((users, right(figures)?.measured.rate)));
        let (users, worst) = rates.min_by(|a, b| a.1.total_cmp(&b.1))?;
        let text = format!("{worst:.0}/s at {}", number(users));
        Some((text, Verdict::of(worst >= 4000.0, store.largest() >= MILLION)))
    });
    row("page of 100, memory", "4,000/s at 10,000 and 1,000,000", seen)
}

fn cursors(step: &'static str, store: Option<&Store>) -> Row {
    let seen = store.and_then(|store| {
        let (users, middle) = store.series("cursor_middle").next_back()?;
        let first = right(store.at(users, "cursor_first")?)?;
        let part = right(middle)?.measured.rate / first.measured.rate;
        let text = format!("{part:.2} times the rate of the first at {}", number(users));
        Some((text, Verdict::of(part >= 0.9, users >= MILLION)))
    });
    row(step, "as cheap as the first", seen)
}

fn scan(step: &'static str, store: Option<&Store>) -> Row {
    let seen = store.and_then(|store| {
        let p50 = right(store.at(10_000, "scan")?)?.measured.p50 / 1000.0;
        Some((format!("{p50:.2} ms"), Verdict::of(p50 <= 5.0, true)))
    });
    row(step, "p50 at most 5 ms", seen)
}

fn micro(report: &Report, step: &'static str, target: &'static str, key: &str, most: f64) -> Row {
    let seen = report.micro.as_ref().and_then(|micro| micro.figures.get(key)).map(|nanos| {
        let text = if nanos.fastest < 1000.0 {
            format!("{:.0} ns", nanos.fastest)
        } else {
            format!("{:.2} µs", nanos.fastest / 1000.0)
        };
        (text, Verdict::of(nanos.fastest <= most, true))
    });
    row(step, target, seen)
}

fn memory_row(
    step: &'static str,
    target: &'static str,
    store: Option<&Store>,
    users: usize,
    most: f64,
) -> Row {
    let seen = store.and_then(|store| {
        let size = store.sizes.iter().find(|size| size.users >= users).or(store.sizes.last())?;
        let used = size.memory_before?;
        let after =
            size.memory_after.map(|after| format!(", {after:.1} after all steps")).unwrap_or_default();
        let text = format!("{used:.1} MiB at {}{after}", number(size.users));
        Some((text, Verdict::of(used <= most, size.users >= users)))
    });
    row(step, target, seen)
}

fn start(store: Option<&Store>) -> Row {
    let seen = store.and_then(|store| store.start.as_ref()).map(|start| {
        let text = format!("{:.0} ms with {}", start.milliseconds, number(start.users));
        (text, Verdict::of(start.milliseconds <= 100.0, start.users >= MILLION))
    });
    row("start with 1,000,000 users in SQLite, to the first answer", "100 ms", seen)
}

fn builds(
    report: &Report,
    step: &'static str,
    target: &'static str,
    most: f64,
    of: impl Fn(&super::builds::Builds) -> f64,
) -> Row {
    let seen = report.builds.as_ref().map(|builds| {
        let seconds = of(&builds.figures);
        (format!("{seconds:.1} s"), Verdict::of(seconds <= most, true))
    });
    row(step, target, seen)
}

fn bulk(report: &Report) -> Row {
    let seen = report.bulk.as_ref().map(|bulk| {
        let bulk = &bulk.figures;
        let part = bulk.sqlite / bulk.raw;
        let text = format!("{part:.2}: {:.0}/s of {:.0}/s", bulk.sqlite, bulk.raw);
        (text, Verdict::of(part >= 0.7, true))
    });
    row("Bulk of 1,000 creates, SQLite", "0.7 of raw inserts in a transaction", seen)
}

fn sync(report: &Report) -> Row {
    let seen = report.sync.as_ref().map(|sync| {
        let figures = &sync.figures;
        let flat = figures.phases.iter().filter_map(|phase| phase.flatness()).min_by(f64::total_cmp);
        let flat = flat.unwrap_or_default();
        let memory = figures.memory.unwrap_or(f64::INFINITY);
        let is_reached = figures.wrong.is_empty() && flat >= FLAT && memory < 100.0;
        let size = format!("{} people, {} groups", number(figures.users), number(figures.groups));
        let text = format!("{size}: last tenth {flat:.2} of the first one's rate, {memory:.0} MiB");
        (text, Verdict::of(is_reached, figures.users >= 50_000 && figures.groups >= 1000))
    });
    row(
        "first synchronisation of 50,000 people and 1,000 groups, SQLite",
        "flat rate, less than 100 MiB",
        seen,
    )
}

fn kill(report: &Report) -> Row {
    let seen = report.kill.as_ref().map(|kill| {
        let figures = &kill.figures;
        let text = format!(
            "{} kills in {:.0} s: {} people, {} memberships read back, {} wrong",
            figures.kills,
            figures.measured.seconds,
            number(figures.people),
            number(figures.memberships),
            figures.wrong
        );
        let is_whole = figures.store.starts_with("postgres") && figures.measured.seconds >= 290.0;
        (text, Verdict::of(figures.wrong == 0, is_whole))
    });
    row(
        "two processes on one PostgreSQL, one killed every ten seconds, five minutes",
        "nothing lost, nothing double",
        seen,
    )
}

/// The worst of some steps against the fastest peer that did it right.
fn peers(report: &Report, step: &'static str, target: &'static str, keys: &[&str], least: f64) -> Row {
    let seen = report.peers.as_ref().and_then(|part| {
        let peers = &part.figures;
        let times = keys.iter().filter_map(|key| {
            let key = format!("{key}@{}", peers.users);
            let (name, rate) = peers.fastest(&key)?;
            // Ours counts for nothing, too, where it is wrong.
            let ours = peers.ours(&key).and_then(|step| step.right_rate()).unwrap_or_default();
            Some((ours / rate, ours, name, rate))
        });
        let times: Vec<_> = times.collect();
        let (times_worst, ours, name, rate) = times.iter().min_by(|a, b| a.0.total_cmp(&b.0)).copied()?;
        let text = format!(
            "{} times at {}: {} of {OUR_SERVER}, {} of {name}",
            number(times_worst as usize),
            number(peers.users),
            per_second(ours),
            per_second(rate)
        );
        let is_whole = times.len() == keys.len() && peers.users >= 10_000;
        Some((text, Verdict::of(times_worst >= least, is_whole)))
    });
    row(step, target, seen)
}

/// A rate, with a digit behind the point if it is small.
pub(crate) fn per_second(rate: f64) -> String {
    if rate < 10.0 { format!("{rate:.1}/s") } else { format!("{rate:.0}/s") }
}

/// The worst of the filters that have a target of their own.
fn parsers(report: &Report) -> Row {
    let seen = report.peer_parsers.as_ref().and_then(|part| {
        let times = [1, 7, 8].map(|filter| {
            let (ours, name, fastest) = part.figures.pair(filter)?;
            Some((fastest / ours, format!("{:.1} times {name} for F{filter}", fastest / ours)))
        });
        let times: Vec<_> = times.into_iter().flatten().collect();
        let worst = times.iter().map(|(times, _)| *times).min_by(f64::total_cmp)?;
        let text: Vec<_> = times.iter().map(|(_, text)| text.as_str()).collect();
        Some((text.join(", "), Verdict::of(worst >= 4.0, times.len() == 3)))
    });
    row("parse, against the fastest Rust peer", "4 times as fast", seen)
}

/// A number with a comma after every three digits.
pub(crate) fn number(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_measured_is_not_missed() {
        assert!(all(&Report::default()).iter().all(|row| row.verdict == Verdict::NotMeasured));
    }

    fn seen(report: &Report, step: &str) -> (String, Verdict) {
        let row = all(report).into_iter().find(|row| row.step.starts_with(step)).unwrap();
        (row.seen, row.verdict)
    }

    #[test]
    fn peers_are_held_against_the_fastest_that_is_right() {
        use super::super::peers::tests::{SERVERS, here, in_file};
        let report = |json: &str| {
            let peers = in_file(json, |file| super::super::peers::read_servers(file, &here())).unwrap();
            Report { peers: Some(peers), ..Report::default() }
        };
        let (filter, member) = ("`userName eq` at 10,000, against", "member edit");
        let whole = report(SERVERS);
        assert_eq!(
            seen(&whole, filter),
            ("150 times at 10,000: 33000/s of scim-directory, 220/s of slow".to_owned(), Verdict::Reached)
        );
        // The worse one of adding and removing.
        assert_eq!(
            seen(&whole, member),
            ("12,500 times at 10,000: 7500/s of scim-directory, 0.6/s of slow".to_owned(), Verdict::Reached)
        );
        let slower = report(&SERVERS.replace("33000.0", "21000.0").replace("9000.0", "4000.0"));
        assert_eq!(seen(&slower, filter).1, Verdict::Missed);
        assert!(seen(&slower, member).0.starts_with("8,000 times"), "{:?}", seen(&slower, member));
        let wrong = report(&SERVERS.replace("\"p50_us\": 122.0", "\"p50_us\": 122.0, \"wrong\": \"status\""));
        assert_eq!(seen(&wrong, filter).1, Verdict::Missed);
        let small = report(&SERVERS.replace("10000", "1000"));
        assert_eq!(seen(&small, filter).1, Verdict::SoFar);
        let no_peer = report(&SERVERS.replace("220.0", "0.0"));
        assert_eq!(seen(&no_peer, filter).1, Verdict::NotMeasured);
    }

    #[test]
    fn parsers_are_held_against_the_fastest_for_each_filter() {
        let part = |ours: f64, accepts_last: bool| {
            let times = |time: f64| (0..8).map(|_| Some(time)).collect::<Vec<_>>();
            let mut quick = times(400.0);
            quick[7] = accepts_last.then_some(500.0);
            let nanos = [("ours", times(ours)), ("quick", quick), ("slow", times(4000.0))];
            let nanos = nanos.into_iter().map(|(name, times)| (name.to_owned(), times)).collect();
            let parsers = super::super::peers::Parsers { nanos, is_one_process: true };
            let part = super::super::peers::tests::here().with(parsers);
            Report { peer_parsers: Some(part), ..Report::default() }
        };
        let step = "parse, against the fastest";
        let text = "4.0 times quick for F1, 4.0 times quick for F7, 40.0 times slow for F8".to_owned();
        assert_eq!(seen(&part(100.0, false), step), (text, Verdict::Reached));
        assert_eq!(seen(&part(101.0, true), step).1, Verdict::Missed);
    }

    #[test]
    fn numbers_are_easy_to_read() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
        cases.iter().for_each(|(n, text)| assert_eq!(number(*n), *text));
    }
}
