//! CASE by masks gives what DataFusion's CASE gives.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Schema};
use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::{Expr, case, cast, col, lit, when};
use datafusion_physical_expr::{PhysicalExpr, create_physical_expr};
use proptest::prelude::*;

use super::case::with_masks;

fn batch(rows: &[(Option<i32>, Option<bool>, Option<String>)]) -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(rows.iter().map(|r| r.0).collect::<Int32Array>())),
        ("b", Arc::new(rows.iter().map(|r| r.1).collect::<BooleanArray>())),
        ("t", Arc::new(rows.iter().map(|r| r.2.clone()).collect::<StringArray>())),
        ("n", Arc::new((0..rows.len() as i64).collect::<Int64Array>())),
        ("d", Arc::new(rows.iter().map(|r| r.0.map(i128::from)).collect::<Decimal128Array>())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap()
}

/// The expression as DataFusion has it, and by masks.
fn both(expr: &Expr, schema: &Schema) -> (Arc<dyn PhysicalExpr>, Arc<dyn PhysicalExpr>) {
    let fields = DFSchema::try_from(schema.clone()).unwrap();
    let plain = create_physical_expr(expr, &fields, &ExecutionProps::new(), &Default::default()).unwrap();
    (plain.clone(), with_masks(plain, schema).unwrap())
}

fn cases() -> Vec<Expr> {
    let (a, b, t, n, d) = (col("a"), col("b"), col("t"), col("n"), col("d"));
    let null_text = lit(ScalarValue::Utf8(None));
    let wide = |e: Expr| cast(e, DataType::Int64);
    vec![
        when(a.clone().gt(lit(0)), n.clone()).otherwise(lit(7i64)).unwrap(),
        when(a.clone().gt(lit(0)), n.clone()).when(b.clone(), wide(a.clone())).otherwise(n.clone()).unwrap(),
        when(a.clone().gt(lit(0)), wide(a.clone())).end().unwrap(),
        when(b.clone(), t.clone()).when(a.clone().is_null(), lit("none")).otherwise(null_text).unwrap(),
        when(t.clone().eq(lit("x")), lit("1")).when(t.clone().eq(lit("yy")), lit("2")).otherwise(t.clone()).unwrap(),
        when(t.clone().eq(lit("x")), cast(a.clone(), DataType::Utf8)).when(b.clone(), cast(n.clone(), DataType::Utf8)).end().unwrap(),
        when(a.clone().lt(lit(2)).and(b.clone()), b.clone()).when(t.clone().is_not_null(), lit(true)).end().unwrap(),
        when(b.clone(), a.clone().gt(lit(1)).or(t.clone().is_null())).otherwise(b.clone()).unwrap(),
        when(lit(false), n.clone()).when(b.clone(), n.clone()).end().unwrap(),
        when(lit(true), d.clone()).end().unwrap(),
        when(b.clone(), d.clone()).otherwise(lit(ScalarValue::Decimal128(Some(5), 38, 10))).unwrap(),
        // Division fails where it is not asked for.
        when(a.clone().eq(lit(0)), lit(0)).otherwise(lit(12) / a.clone()).unwrap(),
        // A base, and conditions that are no comparisons, are left as they are.
        case(a.clone()).when(lit(1), t.clone()).otherwise(lit("-")).unwrap(),
        when(b, lit(1)).when((lit(6) / a).gt(lit(2)), lit(2)).otherwise(lit(3)).unwrap(),
    ]
}

#[test]
fn most_are_by_masks() {
    let schema = batch(&[]).schema();
    let masked = cases().iter().filter(|e| both(e, &schema).1.downcast_ref::<super::case::Case>().is_some()).count();
    assert_eq!(masked, cases().len() - 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn masks_change_nothing(
        rows in prop::collection::vec((prop::option::of(-2..4i32), prop::option::of(any::<bool>()), prop::option::of("x|yy|zzz|")), 0..70),
        cut in 0..5usize,
    ) {
        let whole = batch(&rows);
        let cut = cut.min(whole.num_rows());
        let rows = whole.slice(cut, whole.num_rows() - cut);
        for expr in cases() {
            let (plain, masked) = both(&expr, &rows.schema());
            let result = |e: &Arc<dyn PhysicalExpr>| e.evaluate(&rows).and_then(|v| v.into_array(rows.num_rows()));
            match (result(&plain), result(&masked)) {
                (Ok(expected), Ok(found)) => prop_assert_eq!(&expected, &found, "{}", expr),
                (Err(_), Err(_)) => {}
                (expected, found) => prop_assert!(false, "{}: {:?} but {:?}", expr, expected, found),
            }
        }
    }
}
