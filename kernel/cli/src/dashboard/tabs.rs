//! The line of the tabs.

use unicode_width::UnicodeWidthStr;

use super::message::Tab;

/// Returns the labels from left to right, each beginning where the one before ends. On a narrow screen the others have their
/// numbers alone.
pub(super) fn labels(chosen: Tab, waiting: usize, width: u16) -> Vec<(Tab, String)> {
    let all = Tab::ALL.map(|tab| (tab, label(tab, chosen, waiting, true)));
    let wide: usize = all.iter().map(|(_, label)| label.width()).sum();
    if wide <= usize::from(width) {
        return all.into();
    }
    Tab::ALL.map(|tab| (tab, label(tab, chosen, waiting, tab == chosen))).into()
}

fn label(tab: Tab, chosen: Tab, waiting: usize, is_named: bool) -> String {
    let mut label = (tab as usize + 1).to_string();
    if is_named {
        label = format!("{label} {}", tab.title());
    }
    if tab == Tab::Approvals && waiting > 0 {
        label = format!("{label} ({waiting})");
    }
    if tab == chosen { format!("[{label}]") } else { format!(" {label} ") }
}

/// Returns the tab at a column.
pub(super) fn at(column: u16, chosen: Tab, waiting: usize, width: u16) -> Option<Tab> {
    let mut end = 0;
    let mut labels = labels(chosen, waiting, width).into_iter();
    let found = labels.find(|(_, label)| {
        end += label.width();
        usize::from(column) < end
    });
    found.map(|(tab, _)| tab)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(width: u16) -> String {
        labels(Tab::Tasks, 2, width).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn narrow_screens_show_numbers_and_a_click_hits_what_it_shows() {
        assert_eq!(
            line(80),
            "[1 Tasks] 2 Approvals (2)  3 Costs  4 Learnings  5 Plugins  6 Config  7 Reports "
        );
        assert_eq!(line(40), "[1 Tasks] 2 (2)  3  4  5  6  7 ");
        assert_eq!(at(0, Tab::Tasks, 2, 40), Some(Tab::Tasks));
        assert_eq!(at(10, Tab::Tasks, 2, 40), Some(Tab::Approvals));
        assert_eq!(at(39, Tab::Tasks, 2, 40), None);
    }
}
