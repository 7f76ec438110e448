//! Random decisions of one team. Only exact arithmetic, so that every machine draws the same.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The random stream of a team.
#[derive(Debug)]
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    /// The stream of a team: independent of the streams of other teams with the same seed.
    pub(crate) fn new(seed: u64, team: u32) -> Self {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        stream.set_stream(u64::from(team));
        Self(stream)
    }

    /// A number from 0 to below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        const STEPS: u64 = 1 << 53;
        (self.0.next_u64() >> 11) as f64 / STEPS as f64
    }

    /// True with this probability (0 to 1).
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A number from 0 to below `end`; 0 if `end` is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.unit() * end as f64) as usize
    }

    /// An instant or a duration from `start` to below `end`; `start` if the range is empty.
    pub(crate) fn between(&mut self, start: i64, end: i64) -> i64 {
        start + (self.unit() * (end - start).max(0) as f64) as i64
    }

    /// A delay with this median and a long tail, in the unit of the median: a quarter is three times as long or longer.
    /// At most 40 medians, at least 1. The logarithmic logistic distribution needs no logarithm, whose last digit
    /// differs between machines.
    pub(crate) fn delay(&mut self, median: i64) -> i64 {
        let unit = self.unit();
        let factor = (unit / (1.0 - unit)).min(40.0);
        ((median as f64 * factor) as i64).max(1)
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// The index of a weight, with a probability in proportion to it. Weights are not negative, and one is positive.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut rest = self.unit() * weights.clone().sum::<f64>();
        let mut last = 0;
        for (index, weight) in weights.enumerate().filter(|(_, weight)| *weight > 0.0) {
            last = index;
            if rest < weight {
                break;
            }
            rest -= weight;
        }
        last
    }

    /// The value of one of the rows, with a probability in proportion to its weight.
    pub(crate) fn choose<T: Copy>(&mut self, rows: &[(f64, T)]) -> T {
        rows[self.weighted(rows.iter().map(|(weight, _)| *weight))].1
    }

    /// Characters of an alphabet in ASCII.
    pub(crate) fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(alphabet))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_of_zero_is_never_chosen() {
        let mut draw = Draw::new(1, 0);
        let chosen: Vec<_> =
            (0..1000).map(|_| draw.choose(&[(0.0, 'a'), (1.0, 'b'), (3.0, 'c'), (0.0, 'd')])).collect();
        let count = |letter| chosen.iter().filter(|chosen| **chosen == letter).count();
        assert_eq!((count('a'), count('d')), (0, 0));
        assert!((200..300).contains(&count('b')), "{}", count('b'));
    }

    #[test]
    fn half_of_the_delays_are_shorter_than_the_median() {
        let mut draw = Draw::new(1, 0);
        let short = (0..1000).filter(|_| draw.delay(100) < 100).count();
        assert!((450..550).contains(&short), "{short}");
    }

    #[test]
    fn teams_draw_differently_from_the_same_seed() {
        assert_ne!(Draw::new(1, 0).unit(), Draw::new(1, 1).unit());
    }
}
