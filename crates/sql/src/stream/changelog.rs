//! Which changes a step emits, and which of them its consumer needs.

/// What changes a step emits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changelog {
    /// Only `+I`.
    InsertOnly,
    /// `+I`, `-U`, `+U`.
    Update,
    /// `+I`, `+U`: the new row of its key says it all.
    UpdateAfter,
    /// `+I`, `-U`, `+U`, `-D`.
    Retract,
    /// `+I`, `+U`, `-D`.
    Upsert,
}

impl Changelog {
    /// As Flink's EXPLAIN CHANGELOG_MODE prints it.
    pub fn kinds(self) -> &'static str {
        match self {
            Changelog::InsertOnly => "I",
            Changelog::Update => "I,UB,UA",
            Changelog::UpdateAfter => "I,UA",
            Changelog::Retract => "I,UB,UA,D",
            Changelog::Upsert => "I,UA,D",
        }
    }

    /// Rows are never changed nor taken back.
    pub fn is_insert_only(self) -> bool {
        self == Changelog::InsertOnly
    }

    /// Has `-D`.
    pub fn deletes(self) -> bool {
        matches!(self, Changelog::Retract | Changelog::Upsert)
    }

    /// Has `-U`.
    pub fn has_before(self) -> bool {
        matches!(self, Changelog::Update | Changelog::Retract)
    }

    /// Of rows of several steps.
    pub fn union(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b || b.is_insert_only() => a,
            (a, b) if a.is_insert_only() => b,
            (a, b) => match (a.has_before() || b.has_before(), a.deletes() || b.deletes()) {
                (true, false) => Changelog::Update,
                (true, true) => Changelog::Retract,
                (false, false) => Changelog::UpdateAfter,
                (false, true) => Changelog::Upsert,
            },
        }
    }

    /// The same changes, with or without `-U`.
    pub fn as_wanted(self, want: Want) -> Self {
        match (self, want) {
            (Changelog::Update, Want::After) => Changelog::UpdateAfter,
            (Changelog::Retract, Want::After) => Changelog::Upsert,
            (Changelog::UpdateAfter, Want::Both) => Changelog::Update,
            (Changelog::Upsert, Want::Both) => Changelog::Retract,
            (other, _) => other,
        }
    }
}

/// What the consumer of changes needs of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// The new row: the consumer finds the old one by its key.
    After,
    /// The old row and the new one.
    Both,
}
