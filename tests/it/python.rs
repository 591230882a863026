//! The tool `python` as built, met through the whole gateway: what a program prints, what it is told it cannot have, and
//! which limit ends it.
use crate::guests::{folder, session, teach};
use crate::stage::needs;
use magic_tests::{Gateway, Process, Provider, repository};
use serde_json::json;
use std::time::Duration;
use tokio::process::Command;

/// A program, whether it comes to a good end, and what the model then reads.
struct Trial {
    code: &'static str,
    ok: bool,
    says: &'static [&'static str],
}

fn good(code: &'static str, says: &'static [&'static str]) -> Trial {
    Trial { code, ok: true, says }
}

fn bad(code: &'static str, says: &'static [&'static str]) -> Trial {
    Trial { code, ok: false, says }
}

/// Runs every trial in a session of its own, under this policy or the tool's own.
async fn check(trials: &[Trial], policy: Option<&str>) {
    let provider = Provider::start().await;
    let folder = folder(&provider).tool("python");
    if let Some(policy) = policy {
        folder.write("tools/python.policy.yaml", policy);
    }
    for (number, trial) in trials.iter().enumerate() {
        teach(&provider, &format!("run program {number}"), "python", &json!({ "code": trial.code }));
    }
    let gateway = Gateway::start(folder).await;
    for (number, trial) in trials.iter().enumerate() {
        let seen = session(&gateway, &format!("run program {number}")).await;
        assert_eq!(seen.ok, Some(trial.ok), "{}: {seen:?}", trial.code);
        for says in trial.says {
            assert!(seen.observation.contains(says), "`{}` does not say {says:?}: {seen:?}", trial.code);
        }
    }
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn what_a_program_prints_or_its_last_expression_is_the_result() {
    let trials = [
        good("print(sum(n * n for n in range(1, 101)))", &["338350"]),
        good("from fractions import Fraction\nFraction(1, 3) + Fraction(1, 6)", &["Fraction(1, 2)"]),
        good("print('naïve 😀 漢字'[::-1])", &["字漢 😀 evïan"]),
        good("'half a pair \\ud800'", &["half a pair \\ud800"]),
        good("x = 1", &["nothing was printed"]),
        good("if __name__ == '__main__':\n    print('main')\n    exit = __import__('sys').exit\n    exit()", &["main"]),
        good(
            "import decimal\ndecimal.getcontext().prec = 30\nprint(decimal.Decimal(2).sqrt())",
            &["1.41421356237309504880168872421"],
        ),
        good(
            "import datetime\nprint(datetime.datetime.strptime('2024-02-29', '%Y-%m-%d').strftime('%A %j'))",
            &["Thursday 060"],
        ),
        good(
            "import json, re, statistics\nprint(json.dumps(re.findall(r'\\d+', 'a1b22')), statistics.stdev([1, 2, 3]))",
            &["[\"1\", \"22\"] 1.0"],
        ),
        good("import dataclasses\n@dataclasses.dataclass\nclass P:\n    x: int\nP(3)", &["P(x=3)"]),
        good("len(str(2 ** 100_000))", &["30103"]),
    ];
    check(&trials, None).await;
}

#[tokio::test]
async fn an_exception_comes_back_as_something_to_mend() {
    let trials = [
        bad(
            "def half(n):\n    return 1 / n\nprint('so far')\nhalf(0)",
            &["so far", "line 2, in half", "return 1 / n", "ZeroDivisionError: division by zero"],
        ),
        bad("x = = 1", &["line 1", "SyntaxError: invalid syntax"]),
        bad("import json\njson.loads('{bad')", &["JSONDecodeError", "line 1 column 2"]),
        bad(
            "def deeper(n):\n    return deeper(n + 1)\ndeeper(0)",
            &["RecursionError: maximum recursion depth exceeded"],
        ),
    ];
    check(&trials, None).await;
}

#[tokio::test]
async fn what_it_does_not_have_is_refused_by_name() {
    let trials = [
        bad("import os", &["ModuleNotFoundError: no module named 'os' here", "Importable are", "statistics"]),
        bad("import socket", &["no module named 'socket' here"]),
        bad("import numpy as np", &["no module named 'numpy' here"]),
        bad("open('/etc/passwd')", &["PermissionError: open(): there are no files here"]),
        bad("import datetime\ndatetime.date.today()", &["RuntimeError: there is no clock here"]),
        bad("input('name? ')", &["EOFError: input(): nobody answers here"]),
        // Past our own words there is nothing either: the host's walls do not depend on them.
        bad("import sys\nsys.modules['os'].listdir('/')", &["No such file or directory"]),
        good("import sys\nprint(dict(sys.modules['os'].environ))", &["{}"]),
    ];
    check(&trials, None).await;
}

#[tokio::test]
async fn a_loop_a_bomb_and_a_flood_meet_their_limits() {
    let trials = [
        bad("while True:\n    pass", &["limits.cpu_ms_max (1500 ms)"]),
        bad("x = []\nwhile True:\n    x.append(bytearray(1_000_000))", &["MemoryError"]),
        bad("x = 'x' * 10 ** 9", &["MemoryError"]),
        bad("x = []\nfor _ in range(100_000):\n    x = [x]\nrepr(x)", &["recursed too deeply"]),
        good("for n in range(20_000):\n    print('0123456789')", &["more characters were printed]"]),
        good("print('as good as ever')", &["as good as ever"]),
    ];
    check(&trials, Some("limits: { memory_bytes_max: 134217728, cpu_ms_max: 1500 }")).await;
}

#[tokio::test]
async fn a_program_does_the_same_every_time() {
    let provider = Provider::start().await;
    let code = "import random\nprint(random.random(), random.Random().random(), random.SystemRandom().random(), {'a', 'b', 'c', 'd'}, hash('a'))";
    teach(&provider, "throw dice", "python", &json!({ "code": code }));
    let gateway = Gateway::start(folder(&provider).tool("python")).await;

    let first = session(&gateway, "throw dice").await;
    let second = session(&gateway, "throw dice").await;

    assert_eq!(first.ok, Some(true), "{first:?}");
    assert_eq!(first.observation, second.observation);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn the_interpreters_own_tests_pass() {
    let mut python = Command::new(needs("MAGIC_TEST_PYTHON"));
    python
        .args(["-B", "-I", "-m", "unittest", "discover", "-s", "tests"])
        .current_dir(repository().join("tools/python"));
    let ended = Process::spawn(python).ended_within(Duration::from_secs(60)).await;
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
}
