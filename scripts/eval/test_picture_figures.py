"""The figures of picture.sh on pictures whose answer is known: python -m unittest test_picture_figures"""

from __future__ import annotations

import unittest

MISSING = ""
try:
    import numpy as np
    from skimage.color import lab2rgb

    import picture_figures as figures
except ImportError as error:
    MISSING = str(error)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if MISSING:
            raise unittest.SkipTest(MISSING)


def flat(lightness: float, height: int = 64, width: int = 96) -> np.ndarray:
    """A grey of the given L*, as display values."""
    return np.broadcast_to(lab2rgb([[[lightness, 0.0, 0.0]]])[0, 0], (height, width, 3)).copy()


def square(height: int = 64, width: int = 96) -> np.ndarray:
    matte = np.zeros((height, width))
    matte[24:40, 40:56] = 1
    return matte


class Colour(Case):
    def test_a_picture_does_not_differ_from_itself(self):
        picture = np.random.default_rng(1).random((64, 96, 3))
        self.assertEqual(figures.colourDifference(picture, picture, figures.ringOf(square())), (0, 0))

    def test_a_known_offset_gives_the_known_difference(self):
        # Of greys Delta E 2000 is dL / S_L, and S_L is 1 at a mean L* of 50 (Sharma, Wu, Dalal 2005, equation 15).
        for value in figures.colourDifference(flat(48), flat(52), figures.ringOf(square())):
            self.assertAlmostEqual(value, 4, places=2)

    def test_the_mean_colour_sees_drift_and_no_detail(self):
        checker = np.indices((64, 96)).sum(0)[..., None] % 2
        detailed = np.where(checker == 0, flat(46), flat(54))
        everything = np.ones((64, 96), bool)
        each, mean = figures.colourDifference(detailed, flat(50), everything)
        self.assertGreater(each, 3.5)
        self.assertLess(mean, 0.01)

    def test_what_lies_elsewhere_does_not_count(self):
        ring = figures.ringOf(square())
        picture = np.where(ring[..., None], flat(50), flat(90))
        self.assertEqual(figures.colourDifference(picture, flat(50), ring), (0, 0))
        self.assertTrue(np.isnan(figures.colourDifference(picture, picture, np.zeros_like(ring))[0]))

    def test_the_ring_is_sixteen_pixels_wide_and_within_the_crop(self):
        ring = figures.ringOf(square())
        self.assertFalse(ring[24:40, 40:56].any())
        self.assertTrue(ring[30, 24] and ring[30, 71] and not ring[30, 23] and not ring[30, 72])
        within = np.zeros((64, 96), bool)
        within[:, 30:60] = True
        self.assertFalse(figures.ringOf(square(), within)[:, :30].any())
        self.assertFalse(figures.ringOf(np.zeros((8, 8))).any())
        self.assertFalse(figures.ringOf(np.ones((8, 8))).any())


class Slope(Case):
    def test_a_straight_line_gives_its_own_slope(self):
        gradient, error = figures.slope(0.7 + 0.004 * np.arange(97))
        self.assertAlmostEqual(gradient, 0.4)
        self.assertAlmostEqual(error, 0)

    def test_frames_without_a_ring_leave_gaps(self):
        values = 0.02 * np.arange(50)
        values[10:20] = np.nan
        self.assertAlmostEqual(figures.slope(values)[0], 2)


class Seam(Case):
    def setUp(self):
        self.plate = np.repeat(np.tile(0.002 * np.arange(96), (64, 1))[..., None], 3, 2)

    def ratio(self, composite, matte):
        ours, plates = figures.seamGradients(composite, self.plate, matte)
        return ours / plates

    def test_the_plate_over_itself_has_no_seam(self):
        self.assertEqual(self.ratio(self.plate, square()), 1)
        self.assertEqual(figures.seamGradients(self.plate, self.plate, np.zeros((64, 96))), (0, 0))

    def test_a_step_gives_the_known_ratio_whatever_the_feather(self):
        for width in (1, 8):
            matte = np.tile(np.clip((np.arange(96) - 40) / width, 0, 1), (64, 1))
            pixels = int((np.gradient(matte[0]) > 0).sum())
            # Central differences over the edge add up to the whole step; the plate climbs 0.002 a pixel.
            composite = self.plate + 0.05 * matte[..., None]
            self.assertAlmostEqual(self.ratio(composite, matte), 1 + 0.05 / (0.002 * pixels), places=6)

    def test_gradients_along_the_edge_do_not_count(self):
        matte = np.tile(np.clip((np.arange(96) - 40) / 8, 0, 1), (64, 1))
        stripes = self.plate + 0.1 * (np.arange(64) % 2)[:, None, None]
        self.assertAlmostEqual(self.ratio(stripes, matte), 1)


class Windows(Case):
    def test_borders_stand_where_windows_begin_and_end(self):
        windows = [{"first": f, "length": 13} for f in (0, 8, 12)]
        self.assertEqual(figures.windowBorders(windows, 25), [28, 44, 48, 80])

    def test_the_ratio_is_that_of_the_steps(self):
        borders = [28, 44, 80]
        steps = np.full(96, 0.2)
        self.assertAlmostEqual(figures.borderRatio(steps, borders), 1)
        steps[borders] *= 1.3
        self.assertAlmostEqual(figures.borderRatio(steps, borders), 1.3)
        steps[:10] = 50  # far from any border
        self.assertAlmostEqual(figures.borderRatio(steps, borders), 1.3)
        self.assertTrue(np.isnan(figures.borderRatio(steps, [])))

    def test_what_happens_between_all_latent_frames_is_no_border(self):
        steps = np.full(94, 0.2)
        steps[1::4] = 0.6  # the shot's frames begin in the middle of a latent frame
        self.assertGreater(figures.borderRatio(steps, [25, 41, 77]), 1.5)
        self.assertAlmostEqual(figures.borderRatio(steps, [25, 41, 77], alike=True), 1)

    def test_a_step_in_brightness_is_seen_in_lightness(self):
        inside = square() > 0
        series = np.stack([figures.blockBrightness(flat(value), inside, 8) for value in (40, 40, 43)])
        np.testing.assert_allclose(figures.stepsOf(series[:, :-1]), [0, 3], atol=0.01)
        np.testing.assert_allclose(figures.stepsOf(series[:, -1:]), [0, 3], atol=0.01)

    def test_blocks_mostly_outside_are_left_out(self):
        for side, whole in ((8, 4), (16, 0)):  # the square of 16 pixels stands over the corner of four blocks of 16
            blocks = figures.blockBrightness(flat(40), square() > 0, side)
            self.assertEqual(int(np.isfinite(blocks[:-1]).sum()), whole)


class Bits(Case):
    def test_equal_bits_do_not_differ(self):
        plate = np.array([[[0.1, np.nan, -0.0], [np.inf, 2, 3]]], np.float32)
        self.assertEqual(figures.differingPixels(plate.copy(), plate), 0)

    def test_every_changed_pixel_counts_once(self):
        plate = np.zeros((4, 4, 3), np.float32)
        changed = plate.copy()
        changed[0, 0] = 1, 2, 3
        changed[1, 1, 2] = -0.0
        self.assertEqual(figures.differingPixels(changed, plate), 2)
        self.assertEqual(figures.differingPixels(changed, plate, np.eye(4, dtype=bool) & (np.arange(4) > 0)), 1)


if __name__ == "__main__":
    unittest.main()
