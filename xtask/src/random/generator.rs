//! Makes typed expressions from a seed.

use super::grammar::{Family, Form, Grammar, Piece, Slot};
use super::tree::{Part, Tree};

/// One argument in so many is of a family that does not belong there, so that what is refused is compared, too.
const MISS_ONE_IN: u64 = 200;
/// Of so many arguments that could be calls, one is a column or a literal all the same.
const LEAF_ONE_IN: u64 = 4;
/// Of so many columns or literals, one is a literal.
const LITERAL_ONE_IN: u64 = 4;

/// Numbers that look random: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }

    /// One of these; there is at least one.
    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[(self.next() % all.len() as u64) as usize]
    }
}

/// A stream of expressions.
pub struct Generator<'a> {
    grammar: &'a Grammar,
    random: Random,
    depth_max: usize,
    /// The forms that come next as the outermost, so that each is the outermost equally often.
    forms: Vec<usize>,
}

impl<'a> Generator<'a> {
    /// The stream of a seed. Calls stand within calls at most `depth_max` deep.
    pub fn new(grammar: &'a Grammar, seed: u64, depth_max: usize) -> Self {
        Self { grammar, random: Random(seed), depth_max, forms: vec![] }
    }

    fn form(&mut self, form: &Form, wanted: Family, depth: usize) -> Tree {
        let mut letters = vec![];
        if let Slot::Letter(letter, _) = form.result {
            letters.push((letter, wanted));
        }
        let mut parts = self.parts(&form.pieces, &mut letters, depth);
        match parts.pop() {
            // A family within another: nothing stands around it.
            Some(Part::Argument(tree)) if parts.is_empty() => tree,
            last => {
                parts.extend(last);
                Tree { family: wanted, parts }
            }
        }
    }

    fn parts(&mut self, pieces: &[Piece], letters: &mut Vec<(char, Family)>, depth: usize) -> Vec<Part> {
        let mut parts = vec![];
        for piece in pieces {
            match piece {
                Piece::Text(text) => parts.push(Part::Text(text.clone())),
                Piece::Choice(words) => parts.push(Part::Text(self.random.pick(words).clone())),
                Piece::Argument(slot) => {
                    let family = self.family(slot, letters);
                    parts.push(Part::Argument(self.tree(family, depth.saturating_sub(1))));
                }
                Piece::Optional(_) if self.random.one_in(2) => {}
                Piece::Optional(pieces) => parts.push(Part::Optional(self.parts(pieces, letters, depth))),
            }
        }
        parts
    }

    fn family(&mut self, slot: &Slot, letters: &mut Vec<(char, Family)>) -> Family {
        if self.random.one_in(MISS_ONE_IN) {
            return (self.random.next() % self.grammar.families.len() as u64) as Family;
        }
        let known = |letter| letters.iter().find(|(l, _)| *l == letter).map(|(_, family)| *family);
        match slot {
            Slot::OneOf(families) => *self.random.pick(families),
            Slot::Letter(letter, families) => known(*letter).unwrap_or_else(|| {
                let family = *self.random.pick(families);
                letters.push((*letter, family));
                family
            }),
        }
    }

    fn tree(&mut self, family: Family, depth: usize) -> Tree {
        if depth == 0 || self.random.one_in(LEAF_ONE_IN) {
            return self.leaf(family);
        }
        let grammar = self.grammar;
        let forms: Vec<&Form> = grammar.forms.iter().filter(|form| form.result.families().contains(&family)).collect();
        match forms[..] {
            [] => self.leaf(family),
            _ => {
                let form = *self.random.pick(&forms);
                self.form(form, family, depth)
            }
        }
    }

    fn leaf(&mut self, family: Family) -> Tree {
        let leaves = &self.grammar.families[family];
        let literal = leaves.columns.is_empty() || (!leaves.literals.is_empty() && self.random.one_in(LITERAL_ONE_IN));
        let text = self.random.pick(if literal { &leaves.literals[..] } else { &leaves.columns[..] });
        Tree::leaf(family, text)
    }
}

impl Iterator for Generator<'_> {
    type Item = Tree;

    fn next(&mut self) -> Option<Tree> {
        if self.forms.is_empty() {
            self.forms = (0..self.grammar.forms.len()).collect();
        }
        let grammar = self.grammar;
        let next = (self.random.next() % self.forms.len() as u64) as usize;
        let form = &grammar.forms[self.forms.swap_remove(next)];
        let wanted = *self.random.pick(form.result.families());
        Some(self.form(form, wanted, self.depth_max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_expressions() {
        let grammar = Grammar::read().unwrap();
        let some = |seed| Generator::new(&grammar, seed, 3).take(500).map(|tree| tree.sql()).collect::<Vec<_>>();
        assert_eq!(some(7), some(7));
        assert_ne!(some(7), some(8));
    }

    /// Always taking the largest of the smaller ones is the longest way there is.
    #[test]
    fn every_expression_shrinks_to_an_end() {
        let grammar = Grammar::read().unwrap();
        for mut tree in Generator::new(&grammar, 1, 4).take(300) {
            while let Some(smaller) = tree.smaller(&grammar).pop() {
                assert!(smaller.size() < tree.size(), "{} is not smaller than {}", smaller.sql(), tree.sql());
                tree = smaller;
            }
            assert!(tree.descendants().is_empty(), "{}", tree.sql());
        }
    }
}
