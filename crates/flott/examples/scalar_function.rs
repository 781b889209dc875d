//! A scalar function in Rust: the distance of two places on earth, called from SQL.

use std::sync::Arc;

use flott::arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use flott::arrow::datatypes::Float64Type;
use flott::own::Signature;

/// Mean radius of the earth, kilometres.
const RADIUS_KM: f64 = 6371.0;

/// By the haversine formula; degrees in, kilometres out. NULL where a number is NULL.
fn distance_km(args: &[ArrayRef], rows: usize) -> flott::Result<ArrayRef> {
    let numbers: Vec<&Float64Array> = args.iter().map(|arg| arg.as_primitive::<Float64Type>()).collect();
    let distance = |row: usize| {
        let at = |arg: usize| numbers[arg].is_valid(row).then(|| numbers[arg].value(row).to_radians());
        let (lat_a, lon_a, lat_b, lon_b) = (at(0)?, at(1)?, at(2)?, at(3)?);
        let half = |from: f64, to: f64| ((to - from) / 2.0).sin().powi(2);
        let h = half(lat_a, lat_b) + lat_a.cos() * lat_b.cos() * half(lon_a, lon_b);
        Some(2.0 * RADIUS_KM * h.sqrt().asin())
    };
    Ok(Arc::new((0..rows).map(distance).collect::<Float64Array>()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = flott::RunOptions::default();
    options.functions.scalar("distance_km", Signature::of(&["DOUBLE"; 4], "DOUBLE")?, distance_km);
    let sql = "SELECT name, ROUND(distance_km(52.52, 13.40, lat, lon), 0) AS km
               FROM (VALUES ('Paris', 48.86, 2.35), ('Rome', 41.90, 12.50), ('nowhere', CAST(NULL AS DOUBLE), 0)) AS city(name, lat, lon)";
    for (_, row) in flott::collect(sql, &options)?.rows {
        println!("{}: {} km", row[0].as_deref().unwrap_or("?"), row[1].as_deref().unwrap_or("?"));
    }
    Ok(())
}
