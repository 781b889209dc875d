//! What is refused, and how messages become rows, without a broker.
