//! Functions in Python, as a user runs them. Only with the feature `python`; needs python3 with pip, or is left out loudly.
#![cfg(feature = "python")]
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const MODULE: &str = r#"
from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf, udtf


@udf(result_type=DataTypes.BIGINT())
def plus_one(n):
    return None if n is None else n + 1


@udf(input_types=['STRING', 'INT'], result_type='STRING')
def left(text, count):
    return text and text[:count]


@udf(result_type='BIGINT', func_type='arrow')
def arrow_sum(a, b):
    import pyarrow.compute as pc
    return pc.add(a, b)


class Shout(ScalarFunction):
    def eval(self, text):
        return text.upper() + '!'


shout = udf(Shout(), result_type=DataTypes.STRING())


@udf(result_type=DataTypes.ARRAY(DataTypes.INT()))
def lengths(words):
    return [len(w) for w in words]


@udf(result_type=DataTypes.INT())
def fails(n):
    return 10 // (n - 2)


@udf(result_type=DataTypes.INT())
def wrong(n):
    return 'text'


@udf(result_type=DataTypes.INT(), deterministic=False)
def leaves(n):
    raise SystemExit(3)


@udtf(result_types=[DataTypes.STRING(), DataTypes.INT()])
def words(line):
    for word in (line or '').split():
        yield word, len(word)


@udtf(result_types=['INT'])
def upto(n):
    return range(n)


def bare(n):
    return n
"#;

/// A folder with the module, and one with pyarrow; nothing where Python is missing.
fn folder() -> Option<(tempfile::TempDir, PathBuf)> {
    let packages = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("python");
    if !packages.join("pyarrow").is_dir() {
        let pip = Command::new("python3").args(["-m", "pip", "install", "--quiet", "--target"]).arg(&packages).arg("pyarrow").status();
        if !pip.is_ok_and(|status| status.success()) {
            eprintln!("LEFT OUT: functions in Python, since python3 with pip cannot install pyarrow here");
            return None;
        }
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("my_functions.py"), MODULE).unwrap();
    Some((dir, packages))
}

fn run(dir: &Path, packages: &Path, sql: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flott"));
    command.current_dir(dir).env("PYTHONPATH", packages).args(["run", "-q", "-o", "csv", "-e", sql]);
    command.output().unwrap()
}

fn create(name: &str) -> String {
    format!("CREATE TEMPORARY SYSTEM FUNCTION {name} AS 'my_functions.{name}' LANGUAGE PYTHON;\n")
}

#[test]
fn functions_give_what_python_says() {
    let Some((dir, packages)) = folder() else { return };
    for (name, query, expected) in [
        ("plus_one", "SELECT plus_one(n) FROM (VALUES (1), (CAST(NULL AS INT)), (3)) AS t(n)", "2\n\n4\n"),
        ("left", "SELECT `LEFT`(w, n) FROM (VALUES ('hello', 2), ('x', 5)) AS t(w, n)", "he\nx\n"),
        ("arrow_sum", "SELECT arrow_sum(n, CAST(10 AS BIGINT)) FROM (VALUES (CAST(1 AS BIGINT)), (2)) AS t(n)", "11\n12\n"),
        ("shout", "SELECT shout(w) FROM (VALUES ('a'), ('é')) AS t(w)", "A!\nÉ!\n"),
        ("lengths", "SELECT lengths(ARRAY[w, 'abc'])[1] FROM (VALUES ('a'), ('bb')) AS t(w)", "1\n2\n"),
        ("words", "SELECT v.* FROM (VALUES ('to be'), ('')) AS t(l), LATERAL TABLE(words(l)) AS v(w, n)", "to,2\nbe,2\n"),
        (
            "words",
            "SELECT l, n FROM (VALUES ('a b'), ('')) AS t(l) LEFT JOIN LATERAL TABLE(words(l)) AS v(w, n) ON TRUE",
            "a b,1\na b,1\n\"\",\n",
        ),
        ("upto", "SELECT x FROM (VALUES (2), (0), (1)) AS t(n), LATERAL TABLE(upto(n)) AS v(x)", "0\n1\n0\n"),
    ] {
        let output = run(dir.path(), &packages, &format!("{}{query}", create(name)));
        let text = String::from_utf8(output.stdout).unwrap();
        let rows = text.split_once('\n').map_or("", |(_, rows)| rows);
        assert_eq!(rows, expected, "{query}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn errors_have_the_lines_of_python() {
    let Some((dir, packages)) = folder() else { return };
    for (name, query, code, said) in [
        (
            "fails",
            "SELECT fails(n) FROM (VALUES (1), (2)) AS t(n)",
            1,
            vec!["the function FAILS failed: ZeroDivisionError", "my_functions.py\", line ", "return 10 // (n - 2)", "job collect"],
        ),
        ("wrong", "SELECT wrong(n) FROM (VALUES (1)) AS t(n)", 1, vec!["the function WRONG failed: ", "ArrowInvalid"]),
        ("leaves", "SELECT leaves(n) FROM (VALUES (1)) AS t(n)", 1, vec!["the function LEAVES failed: SystemExit: 3"]),
        ("nothing", "SELECT 1", 2, vec!["the module 'my_functions' has no 'nothing'"]),
        ("bare", "SELECT 1", 2, vec!["'my_functions.bare' does not say what it gives: put @udf("]),
        ("left", "SELECT `left`(1, 2)", 2, vec!["left(STRING, INT): argument 1 is INT"]),
    ] {
        let output = run(dir.path(), &packages, &format!("{}{query}", create(name)));
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{query}: {told}");
        said.iter().for_each(|part| assert!(told.contains(part), "{query}: no '{part}' in {told}"));
    }
    let output = run(dir.path(), &packages, "CREATE FUNCTION f AS 'no.such_module' LANGUAGE PYTHON");
    assert!(String::from_utf8(output.stderr).unwrap().contains("ModuleNotFoundError"));
}
