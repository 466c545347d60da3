use slug::slugify;

#[test]
fn words_are_joined_by_hyphens() {
    assert_eq!(slugify("Hello World"), "hello-world");
}

#[test]
fn letters_of_all_languages_stay() {
    assert_eq!(slugify("Größe 42"), "größe-42");
}

#[test]
fn other_characters_make_one_hyphen() {
    assert_eq!(slugify("this & that, or -- neither"), "this-that-or-neither");
}

#[test]
fn the_ends_have_no_hyphen() {
    assert_eq!(slugify("  Hello, World!  "), "hello-world");
}
