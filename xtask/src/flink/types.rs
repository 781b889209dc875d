//! Flink's names of types, made from the JSON form in which the SQL Gateway reports them.

use serde_json::Value;

/// Writes a logical type as Flink's own summary does: `DECIMAL(10, 2) NOT NULL`, ``ROW<`a` INT>``, `STRING`.
pub fn type_name(logical: &Value) -> String {
    let nullable = logical["nullable"].as_bool().unwrap_or(true);
    format!("{}{}", base_name(logical), if nullable { "" } else { " NOT NULL" })
}

fn base_name(logical: &Value) -> String {
    let number = |field: &str| logical[field].as_i64().unwrap_or(0);
    let unbounded = number("length") == i64::from(i32::MAX);
    match logical["type"].as_str().unwrap_or("?") {
        "INTEGER" => "INT".into(),
        "VARCHAR" if unbounded => "STRING".into(),
        "VARBINARY" if unbounded => "BYTES".into(),
        name @ ("CHAR" | "VARCHAR" | "BINARY" | "VARBINARY") => {
            format!("{name}({})", number("length"))
        }
        "DECIMAL" => format!("DECIMAL({}, {})", number("precision"), number("scale")),
        "TIME_WITHOUT_TIME_ZONE" => format!("TIME({})", number("precision")),
        "TIMESTAMP_WITHOUT_TIME_ZONE" => format!("TIMESTAMP({})", number("precision")),
        "TIMESTAMP_WITH_LOCAL_TIME_ZONE" => format!("TIMESTAMP_LTZ({})", number("precision")),
        "INTERVAL_DAY_TIME" => match logical["resolution"].as_str().unwrap_or("?") {
            "SECOND" => format!("INTERVAL SECOND({})", number("fractionalPrecision")),
            resolution => format!("INTERVAL {}", resolution.replace("_TO_", " TO ")),
        },
        "INTERVAL_YEAR_MONTH" => {
            format!("INTERVAL {}", logical["resolution"].as_str().unwrap_or("?").replace("_TO_", " TO "))
        }
        "ARRAY" => format!("ARRAY<{}>", type_name(&logical["elementType"])),
        "MULTISET" => format!("MULTISET<{}>", type_name(&logical["elementType"])),
        "MAP" => format!("MAP<{}, {}>", type_name(&logical["keyType"]), type_name(&logical["valueType"])),
        "ROW" => {
            let fields = logical["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
            let shown: Vec<String> =
                fields.iter().map(|f| format!("`{}` {}", f["name"].as_str().unwrap_or("?"), type_name(&f["fieldType"]))).collect();
            format!("ROW<{}>", shown.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_flinks_summary_strings() {
        let row = json!({"type": "ROW", "nullable": false, "fields": [
            {"name": "a", "fieldType": {"type": "INTEGER", "nullable": true}},
            {"name": "b", "fieldType": {"type": "DECIMAL", "nullable": false, "precision": 10, "scale": 2}},
            {"name": "c", "fieldType": {"type": "VARCHAR", "nullable": true, "length": 2147483647}}]});
        assert_eq!(type_name(&row), "ROW<`a` INT, `b` DECIMAL(10, 2) NOT NULL, `c` STRING> NOT NULL");
        let time = json!({"type": "TIMESTAMP_WITH_LOCAL_TIME_ZONE", "nullable": true, "precision": 3});
        assert_eq!(type_name(&time), "TIMESTAMP_LTZ(3)");
    }
}
