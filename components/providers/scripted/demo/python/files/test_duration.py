import unittest

import duration


class DurationTest(unittest.TestCase):
    def test_one_unit(self):
        self.assertEqual(duration.parse("90s"), 90)
        self.assertEqual(duration.parse("2h"), 7200)

    def test_several_units(self):
        self.assertEqual(duration.parse("1h30m"), 5400)

    def test_nonsense_is_refused(self):
        for text in ["", "h", "5", "1x", "1h soon"]:
            with self.assertRaises(ValueError, msg=text):
                duration.parse(text)


if __name__ == "__main__":
    unittest.main()
