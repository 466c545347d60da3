//! Calls and jumps of x86-64 with the addresses that they lead to, in place of the distances. All calls of one function are
//! alike then, and programs pack a tenth tighter.
//!
//! Each instruction whose first byte is one of [`OPCODES`] has a distance of four bytes, from its own end on. What only looks
//! like one is changed and brought back all the same: distances and addresses are two names of the same numbers.

/// The beginning of the targets whose programs have such instructions.
pub(crate) const MACHINES: &str = "x86_64-";

/// A call and a jump.
const OPCODES: [u8; 2] = [0xe8, 0xe9];
/// The bytes of a distance.
const DISTANCE: usize = 4;

/// Puts addresses in the place of distances.
#[cfg_attr(
    not(any(test, doctest)),
    allow(dead_code, reason = "the build script packs, and the program unpacks")
)]
pub(crate) fn to_addresses(program: &mut [u8]) {
    change(program, |bytes, at, size| {
        let distance = i64::from(i32::from_le_bytes(bytes));
        let address = match distance {
            _ if (-at..size - at).contains(&distance) => distance + at,
            _ if (size - at..size).contains(&distance) => distance - size,
            _ => distance,
        };
        (address as i32).to_be_bytes()
    });
}

/// Puts distances in the place of addresses.
#[cfg_attr(
    not(any(test, doctest)),
    allow(dead_code, reason = "the build script packs, and the program unpacks")
)]
pub(crate) fn to_distances(program: &mut [u8]) {
    change(program, |bytes, at, size| {
        let address = i64::from(i32::from_be_bytes(bytes));
        let distance = match address {
            _ if (0..size).contains(&address) => address - at,
            _ if (-at..0).contains(&address) => address + size,
            _ => address,
        };
        (distance as i32).to_le_bytes()
    });
}

/// Gives every number behind an opcode to `anew`, with the place where its instruction ends and the size of the program.
fn change(program: &mut [u8], anew: impl Fn([u8; DISTANCE], i64, i64) -> [u8; DISTANCE]) {
    let Ok(size) = i32::try_from(program.len()).map(i64::from) else { return };
    let mut at = 0;
    while at + DISTANCE < program.len() {
        let is_branch = OPCODES.contains(&program[at]);
        at += 1;
        if !is_branch {
            continue;
        }
        let Some(bytes) = program[at..].first_chunk_mut::<DISTANCE>() else { return };
        at += DISTANCE;
        *bytes = anew(*bytes, at as i64, size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back_whatever_stands_there() {
        let numbers = [i32::MIN, -70, -64, -13, -5, 0, 1, 50, 59, 64, 65, i32::MAX];
        for number in numbers {
            for at in 0..=60 {
                let mut program = vec![0x90; 65];
                program[at] = OPCODES[at % 2];
                program[at + 1..at + 5].copy_from_slice(&number.to_le_bytes());
                let before = program.clone();

                to_addresses(&mut program);
                to_distances(&mut program);

                assert_eq!(program, before, "{number} at {at}");
            }
        }
    }

    #[test]
    fn two_calls_of_one_function_are_alike() {
        let mut program = vec![0x90; 64];
        for (at, distance) in [(10_usize, 35_i32), (30, 15)] {
            program[at] = 0xe8;
            program[at + 1..at + 5].copy_from_slice(&distance.to_le_bytes());
        }

        to_addresses(&mut program);

        assert_eq!(program[11..15], program[31..35]);
        assert_eq!(program[11..15], 50_i32.to_be_bytes());
    }

    #[test]
    fn a_program_of_any_bytes_comes_back() {
        let mut seed = 7_u32;
        for length in [0, 1, 4, 5, 6, 1_000] {
            let bytes = (0..length).map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if seed >> 30 == 0 { 0xe8 } else { (seed >> 24) as u8 }
            });
            let before: Vec<u8> = bytes.collect();
            let mut program = before.clone();
            to_addresses(&mut program);
            to_distances(&mut program);
            assert_eq!(program, before);
        }
    }
}
