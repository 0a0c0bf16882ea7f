//! Ways to harm a host.

use std::hint::black_box;
use waxwing_plugin::{Result, router};

pub fn trap<T>() -> Result<T> {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort();
}

pub fn spin<T>() -> Result<T> {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

/// Some ten milliseconds of work.
pub fn compute() -> u64 {
    (0..5_000_000).fold(0, |sum, n| black_box(sum ^ n))
}

#[allow(unconditional_recursion, reason = "that is the harm")]
pub fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    recurse(frame[0] + 1) + frame[63]
}

pub fn grow<T>() -> Result<T> {
    let mut all = Vec::new();
    loop {
        all.push(black_box(vec![1_u8; 1 << 20]));
    }
}

pub fn flood_outbox() -> String {
    for sent in 0.. {
        if let Err(error) = router::send("<message from='a@capulet.example' to='b@capulet.example'/>") {
            return format!("{sent} {}", error.name());
        }
    }
    unreachable!()
}
