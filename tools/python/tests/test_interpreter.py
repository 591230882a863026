"""The parts of the interpreter that need no component around them; run by tests/it/python.rs with any Python 3."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from interpreter import cell, output
from interpreter.cells import BYTES_MAX, CELLS_MAX, Cells, Full


class CellsOfASession(unittest.TestCase):
    def test_a_cell_comes_after_those_before_it(self):
        stored = Cells(Cells(None).remember("k1", "a = 1")).remember("k2", "a += 1")
        self.assertEqual(Cells(stored).before("k3"), ["a = 1", "a += 1"])

    def test_a_call_repeated_after_a_crash_does_not_add_its_cell_again(self):
        stored = Cells(Cells(None).remember("k1", "a = 1")).remember("k2", "a += 1")
        self.assertIsNone(Cells(stored).remember("k2", "a += 1"))
        self.assertEqual(Cells(stored).before("k2"), ["a = 1"])

    def test_without_a_key_every_call_is_a_new_one(self):
        stored = Cells(Cells(None).remember(None, "a = 1")).remember(None, "a = 1")
        self.assertEqual(Cells(stored).before(None), ["a = 1", "a = 1"])

    def test_a_session_remembers_only_so_much(self):
        self.assertRaises(Full, Cells(None).remember, "k", "#" * BYTES_MAX)
        stored = None
        for number in range(CELLS_MAX):
            stored = Cells(stored).remember(f"k{number}", "1")
        self.assertRaises(Full, Cells(stored).remember, "one more", "1")
        self.assertIsNone(Cells(stored).remember("k7", "1"))


class OneCell(unittest.TestCase):
    def setUp(self):
        self.streams = sys.stdout, sys.stderr, sys.modules["__main__"]
        self.addCleanup(self._restore)

    def _restore(self):
        sys.stdout, sys.stderr, sys.modules["__main__"] = self.streams

    def test_names_of_earlier_cells_are_there_and_their_output_is_not(self):
        self.assertEqual(cell.run("print(a + b)", ["a = 1\nprint('once')", "b = 2\n1 / 0", "not python"]), "3\n")

    def test_a_traceback_shows_the_cell_and_not_the_interpreter(self):
        with self.assertRaises(cell.Raised) as raised:
            cell.run("def half(n):\n    return 1 / n\nhalf(0)")
        text = str(raised.exception)
        self.assertIn("return 1 / n", text)
        self.assertIn("ZeroDivisionError", text)
        self.assertNotIn("interpreter", text)

    def test_what_was_printed_before_an_exception_is_told_with_it(self):
        with self.assertRaises(cell.Raised) as raised:
            cell.run("print('so far')\n{}['x']")
        self.assertTrue(str(raised.exception).startswith("Printed before the error:\nso far\n"))

    def test_a_flood_is_cut_and_counted(self):
        printed = cell.run("for n in range(10_000): print('0123456789')")
        self.assertIn("[cut: 95000 more characters were printed]", printed)
        self.assertLess(len(printed), output.CHARACTERS_MAX + 100)


if __name__ == "__main__":
    unittest.main()
