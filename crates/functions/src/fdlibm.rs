//! Functions of mathematics that Java computes in software, bit by bit as its library does.
//!
//! Java's `StrictMath` is Sun's fdlibm ("Freely Distributable LIBM", version 5.3); the crate `libm` goes back to the same code for most
//! functions, but has other hyperbolic ones. The hardware's or glibc's differ from it in the last digit.

pub(super) use libm::{acos, asin, atan};
use libm::{exp, expm1};

/// From here on `exp(x)` is too large, but half of it may not be.
const EXP_MAX: f64 = 709.782_712_893_384;

/// The angle of a point.
pub(super) fn atan2(y: f64, x: f64) -> f64 {
    /// What π has beyond an f64.
    const PI_LOW: f64 = 1.224_646_799_147_353_2E-16;
    let exponent = |v: f64| (v.to_bits() >> 52 & 0x7ff) as i64;
    let finite = x.is_finite() && y.is_finite() && x != 0.0 && y != 0.0;
    if finite && x < 0.0 && exponent(y) - exponent(x) > 60 {
        // The crate takes such a point for one on the axis.
        let z = std::f64::consts::FRAC_PI_2 + 0.5 * PI_LOW;
        let angle = std::f64::consts::PI - (z - PI_LOW);
        return angle.copysign(y);
    }
    libm::atan2(y, x)
}

/// The hyperbolic sine.
pub(super) fn sinh(x: f64) -> f64 {
    let (size, half) = (x.abs(), 0.5f64.copysign(x));
    if size.is_nan() || size.is_infinite() || size < 2f64.powi(-28) {
        return x;
    }
    if size < 22.0 {
        let t = expm1(size);
        return if size < 1.0 { half * (2.0 * t - t * t / (t + 1.0)) } else { half * (t + t / (t + 1.0)) };
    }
    large(half, size)
}

/// The hyperbolic cosine.
pub(super) fn cosh(x: f64) -> f64 {
    let size = x.abs();
    if size.is_nan() || size.is_infinite() {
        return size;
    }
    if size < 0.5 * std::f64::consts::LN_2 {
        let t = expm1(size);
        let w = 1.0 + t;
        return if size < 2f64.powi(-55) { w } else { 1.0 + t * t / (w + w) };
    }
    if size < 22.0 {
        let t = exp(size);
        return 0.5 * t + 0.5 / t;
    }
    large(0.5, size)
}

/// `factor * exp(size)`, which may be finite where `exp(size)` is not.
fn large(factor: f64, size: f64) -> f64 {
    if size < EXP_MAX {
        return factor * exp(size);
    }
    let w = exp(0.5 * size);
    factor * w * w
}

/// The hyperbolic tangent.
pub(super) fn tanh(x: f64) -> f64 {
    let size = x.abs();
    if size.is_nan() {
        return x;
    }
    let result = if size >= 22.0 {
        1.0
    } else if size < 2f64.powi(-55) {
        return x * (1.0 + x);
    } else if size >= 1.0 {
        1.0 - 2.0 / (expm1(2.0 * size) + 2.0)
    } else {
        let t = expm1(-2.0 * size);
        -t / (t + 2.0)
    };
    result.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_digit_is_that_of_java() {
        assert_eq!(sinh(-128.0), -1.9438542029972977E55);
        assert_eq!(cosh(-128.0), 1.9438542029972977E55);
        assert_eq!(cosh(1.0), 1.543080634815244);
        assert_eq!(atan2(-2147483648.0, -128.0), -1.5707963863995416);
        assert_eq!(atan2(-1e300, -2147483648.0), -1.5707963267948968);
        assert!(sinh(710.0).is_finite() && sinh(711.0).is_infinite());
    }

    #[test]
    fn borders() {
        assert!(sinh(f64::NAN).is_nan() && cosh(f64::NAN).is_nan() && tanh(f64::NAN).is_nan());
        assert_eq!((sinh(f64::NEG_INFINITY), cosh(f64::NEG_INFINITY), tanh(f64::NEG_INFINITY)), (f64::NEG_INFINITY, f64::INFINITY, -1.0));
        assert!(sinh(-0.0).is_sign_negative() && tanh(-0.0).is_sign_negative());
        assert_eq!(cosh(0.0), 1.0);
    }
}
