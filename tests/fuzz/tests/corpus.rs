//! Every target over its corpus and a few inputs more: in the same time as other tests. `tests/run` gives them many.

use tillsync_fuzz::mutate::{Seed, mutate};
use tillsync_fuzz::random::Random;
use tillsync_fuzz::{corpus, targets};

#[test]
fn every_target_holds_over_its_corpus_and_some_inputs_more() {
    for target in targets::all() {
        let corpus = corpus::of(&target);
        assert!(!corpus.is_empty(), "{} has no corpus", target.name);
        for (name, seed) in &corpus {
            println!("{}: {name}", target.name);
            (target.run)(seed.bytes());
        }
        let seeds: Vec<Seed> = corpus.into_iter().map(|(_, seed)| seed).collect();
        let mut random = Random::new(2);
        for n in 0..20 * target.weight {
            let input = mutate(&mut random, &seeds);
            println!("{}: input {n}", target.name);
            (target.run)(&input);
        }
    }
}

#[test]
fn names_are_folders_and_every_folder_is_a_target() {
    let names: Vec<_> = targets::all().iter().map(|target| target.name).collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&name.as_str()), "corpus/{name} is nobody's");
    }
}
