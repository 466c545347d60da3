//! Letters with an accent, as one character or as several.
//!
//! The pairs are the canonical decompositions of Unicode for Latin, Greek, Cyrillic and Japanese. Those of Korean are
//! computed.

use std::sync::OnceLock;

/// Adds `c` to `text` in its parts.
pub(crate) fn push(text: &mut String, c: char) {
    if c.is_ascii() {
        text.push(c);
    } else if let Some(parts) = korean(c) {
        text.extend(parts.into_iter().flatten());
    } else if let Some((letter, mark)) = parts(c) {
        push(text, letter);
        text.push(mark);
    } else {
        text.push(c);
    }
}

/// Returns the letter and the mark of a form.
fn parts(c: char) -> Option<(char, char)> {
    static SORTED: OnceLock<Vec<(char, char, char)>> = OnceLock::new();
    let sorted = SORTED.get_or_init(|| {
        let mut all: Vec<_> = FORMS.iter().flat_map(|(mark, forms)| pairs(*mark, forms)).collect();
        all.sort_unstable();
        all
    });
    let at = sorted.binary_search_by_key(&c, |(form, ..)| *form).ok()?;
    sorted.get(at).map(|(_, letter, mark)| (*letter, *mark))
}

fn pairs(mark: char, forms: &str) -> impl Iterator<Item = (char, char, char)> {
    let letters = forms.chars().step_by(2);
    letters.zip(forms.chars().skip(1).step_by(2)).map(move |(letter, form)| (form, letter, mark))
}

/// A syllable is put together from a beginning, a vowel and perhaps an end, in order.
fn korean(c: char) -> Option<[Option<char>; 3]> {
    let number = (c as u32).checked_sub(0xAC00).filter(|number| *number < 11_172)?;
    let end = number % 28;
    Some([
        char::from_u32(0x1100 + number / 588),
        char::from_u32(0x1161 + number % 588 / 28),
        char::from_u32(0x11A7 + end).filter(|_| end > 0),
    ])
}

/// A combining mark, and each letter followed by its form with that mark.
const FORMS: &[(char, &str)] = &[
    (
        '\u{300}',
        "AÀEÈIÌOÒUÙaàeèiìoòuùÜǛüǜNǸnǹЕЀИЍеѐиѝĒḔēḕŌṐōṑWẀwẁ\
         ÂẦâầĂẰăằÊỀêềÔỒôồƠỜơờƯỪưừYỲyỳ",
    ),
    (
        '\u{301}',
        "AÁEÉIÍOÓUÚYÝaáeéiíoóuúyýCĆcćLĹlĺNŃnńRŔrŕSŚsśZŹzź\
         ÜǗüǘGǴgǵÅǺåǻÆǼæǽØǾøǿ¨΅ΑΆΕΈΗΉΙΊΟΌΥΎΩΏϊΐαάεέηήιίϋΰ\
         οόυύωώϒϓГЃКЌгѓкќÇḈçḉĒḖēḗÏḮïḯKḰkḱMḾmḿÕṌõṍŌṒōṓPṔpṕ\
         ŨṸũṹWẂwẃÂẤâấĂẮăắÊẾêếÔỐôốƠỚơớƯỨưứ",
    ),
    (
        '\u{302}',
        "AÂEÊIÎOÔUÛaâeêiîoôuûCĈcĉGĜgĝHĤhĥJĴjĵSŜsŝWŴwŵYŶyŷ\
         ZẐzẑẠẬạậẸỆẹệỌỘọộ",
    ),
    (
        '\u{303}',
        "AÃNÑOÕaãnñoõIĨiĩUŨuũVṼvṽÂẪâẫĂẴăẵEẼeẽÊỄêễÔỖôỗƠỠơỡ\
         ƯỮưữYỸyỹ",
    ),
    (
        '\u{304}',
        "AĀaāEĒeēIĪiīOŌoōUŪuūÜǕüǖÄǞäǟȦǠȧǡÆǢæǣǪǬǫǭÖȪöȫÕȬõȭ\
         ȮȰȯȱYȲyȳИӢиӣУӮуӯGḠgḡḶḸḷḹṚṜṛṝ",
    ),
    (
        '\u{306}',
        "AĂaăEĔeĕGĞgğIĬiĭOŎoŏUŬuŭУЎИЙийуўЖӁжӂАӐаӑЕӖеӗȨḜȩḝ\
         ẠẶạặ",
    ),
    (
        '\u{307}',
        "CĊcċEĖeėGĠgġIİZŻzżAȦaȧOȮoȯBḂbḃDḊdḋFḞfḟHḢhḣMṀmṁNṄ\
         nṅPṖpṗRṘrṙSṠsṡŚṤśṥŠṦšṧṢṨṣṩTṪtṫWẆwẇXẊxẋYẎyẏſẛ",
    ),
    (
        '\u{308}',
        "AÄEËIÏOÖUÜaäeëiïoöuüyÿYŸΙΪΥΫιϊυϋϒϔЕЁІЇеёіїАӒаӓӘӚ\
         әӛЖӜжӝЗӞзӟИӤиӥОӦоӧӨӪөӫЭӬэӭУӰуӱЧӴчӵЫӸыӹHḦhḧÕṎõṏŪṺ\
         ūṻWẄwẅXẌxẍtẗ",
    ),
    ('\u{309}', "AẢaảÂẨâẩĂẲăẳEẺeẻÊỂêểIỈiỉOỎoỏÔỔôổƠỞơởUỦuủƯỬưửYỶyỷ"),
    ('\u{30A}', "AÅaåUŮuůwẘyẙ"),
    ('\u{30B}', "OŐoőUŰuűУӲуӳ"),
    (
        '\u{30C}',
        "CČcčDĎdďEĚeěLĽlľNŇnňRŘrřSŠsšTŤtťZŽzžAǍaǎIǏiǐOǑoǒ\
         UǓuǔÜǙüǚGǦgǧKǨkǩƷǮʒǯjǰHȞhȟ",
    ),
    ('\u{30F}', "AȀaȁEȄeȅIȈiȉOȌoȍRȐrȑUȔuȕѴѶѵѷ"),
    ('\u{311}', "AȂaȃEȆeȇIȊiȋOȎoȏRȒrȓUȖuȗ"),
    ('\u{31B}', "OƠoơUƯuư"),
    (
        '\u{323}',
        "BḄbḅDḌdḍHḤhḥKḲkḳLḶlḷMṂmṃNṆnṇRṚrṛSṢsṣTṬtṭVṾvṿWẈwẉ\
         ZẒzẓAẠaạEẸeẹIỊiịOỌoọƠỢơợUỤuụƯỰưựYỴyỵ",
    ),
    ('\u{324}', "UṲuṳ"),
    ('\u{325}', "AḀaḁ"),
    ('\u{326}', "SȘsșTȚtț"),
    ('\u{327}', "CÇcçGĢgģKĶkķLĻlļNŅnņRŖrŗSŞsşTŢtţEȨeȩDḐdḑHḨhḩ"),
    ('\u{328}', "AĄaąEĘeęIĮiįUŲuųOǪoǫ"),
    ('\u{32D}', "DḒdḓEḘeḙLḼlḽNṊnṋTṰtṱUṶuṷ"),
    ('\u{32E}', "HḪhḫ"),
    ('\u{330}', "EḚeḛIḬiḭUṴuṵ"),
    ('\u{331}', "BḆbḇDḎdḏKḴkḵLḺlḻNṈnṉRṞrṟTṮtṯZẔzẕhẖ"),
    (
        '\u{3099}',
        "かがきぎくぐけげこごさざしじすずせぜそぞただちぢつづてでとどはばひびふぶへべほぼうゔゝゞカガキギ\
         クグケゲコゴサザシジスズセゼソゾタダチヂツヅテデトドハバヒビフブヘベホボウヴワヷヰヸヱヹヲヺヽヾ",
    ),
    ('\u{309A}', "はぱひぴふぷへぺほぽハパヒピフプヘペホポ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_character_and_several_are_the_same() {
        let cases = [
            ("é", "e\u{301}"),
            ("Ấ", "A\u{302}\u{301}"),
            ("が", "か\u{3099}"),
            ("й", "и\u{306}"),
            ("한", "\u{1112}\u{1161}\u{11AB}"),
            ("하", "\u{1112}\u{1161}"),
            ("中ß", "中ß"),
        ];
        for (one, several) in cases {
            let mut text = String::new();
            one.chars().for_each(|c| push(&mut text, c));
            assert_eq!(text, several);
        }
    }
}
