//! A provider's stream: whatever comes, in whatever pieces, it ends in an answer or an error.
#![no_main]

use runloom_models::fuzzing;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(([family, cut], bytes)) = input.split_first_chunk() else {
        return;
    };
    let whole = fuzzing::read_stream(usize::from(*family), [bytes]);
    let pieces = fuzzing::read_stream(usize::from(*family), bytes.chunks(usize::from(*cut).max(1)));
    assert_eq!(whole, pieces, "how the network cuts it makes a difference");
});
