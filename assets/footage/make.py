#!/usr/bin/env python3
"""Draws the demo cameras' footage and encodes it.

Three scenes of 24 seconds that loop: a front door, a garage, a shop counter. Each picture carries the scene's name, the time into
the footage, and that time in tenths of a second once more as eight squares (most significant first), which a test reads without
recognising digits. Per scene: NAME.main.h264 (1920x1080, 25/s), NAME.sub.h264 (640x360, 15/s), both as H.264 byte streams with an
access unit delimiter before each picture, and NAME.json, which says when something moves. See README.md.

Needs Pillow, ffmpeg with libx264 and the DejaVu fonts. `make.py [SCENE...]` makes them all or some; `make.py --still SCENE SECONDS
OUT.png` draws one picture.
"""

import json
import math
import pathlib
import subprocess
import sys

from PIL import Image, ImageDraw, ImageFont

HERE = pathlib.Path(__file__).resolve().parent
WIDTH, HEIGHT = 1920, 1080
UNIT = 12  # A scene is drawn on a board of 160 by 90 units.
FRAMES_PER_SECOND = 25
SUB_FRAMES_PER_SECOND = 15
LENGTH_SECONDS = 24
SMOOTH = 3  # Shapes are drawn this much larger and scaled down, for smooth edges.

CLOCK_BOX = (1320, 880, 1872, 1032)  # left, top, right, bottom
BITS_BOX = (1344, 1000, 1848, 1020)
BIT_COUNT = 8


def font(size, bold=True):
    name = "DejaVuSansMono-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(f"/usr/share/fonts/truetype/dejavu/{name}", size)


CLOCK_FONT = font(72)
NAME_FONT = font(34, bold=False)


def ease(value):
    """A walk's or drive's progress 0..1, starting and ending gently."""
    value = min(max(value, 0.0), 1.0)
    return value * value * (3 - 2 * value)


def span(time, start, end):
    """How far `time` is from `start` to `end`, 0..1."""
    return min(max((time - start) / (end - start), 0.0), 1.0)


class Board:
    """A transparent layer in units, drawn large and scaled down on `done`."""

    def __init__(self, width, height, scale=1.0, smooth=SMOOTH):
        self.size = (max(1, round(width * UNIT * scale)), max(1, round(height * UNIT * scale)))
        self.factor = UNIT * scale * smooth
        self.image = Image.new("RGBA", (self.size[0] * smooth, self.size[1] * smooth), (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)

    def _at(self, points):
        return [(x * self.factor, y * self.factor) for x, y in points]

    def rect(self, x, y, w, h, fill, radius=0.0):
        box = [x * self.factor, y * self.factor, (x + w) * self.factor - 1, (y + h) * self.factor - 1]
        self.draw.rounded_rectangle(box, radius * self.factor, fill=fill)

    def circle(self, x, y, r, fill):
        self.oval(x, y, r, r, fill)

    def oval(self, x, y, rx, ry, fill):
        f = self.factor
        self.draw.ellipse([(x - rx) * f, (y - ry) * f, (x + rx) * f, (y + ry) * f], fill=fill)

    def shape(self, points, fill):
        self.draw.polygon(self._at(points), fill=fill)

    def limb(self, points, width, fill):
        self.draw.line(self._at(points), fill=fill, width=max(1, round(width * self.factor)), joint="curve")
        for x, y in points:
            self.circle(x, y, width / 2, fill)

    def done(self):
        return self.image.resize(self.size, Image.BOX)


def gradient(top, bottom, from_y=0, to_y=90):
    """A full board with a vertical gradient between two colours."""
    strip = Image.new("RGB", (1, HEIGHT))
    for y in range(HEIGHT):
        part = min(max((y / UNIT - from_y) / (to_y - from_y), 0), 1)
        strip.putpixel((0, y), tuple(round(a + (b - a) * part) for a, b in zip(top, bottom)))
    return strip.resize((WIDTH, HEIGHT)).convert("RGBA")


def rgb(text):
    return tuple(int(text[i : i + 2], 16) for i in (1, 3, 5))


def person(scale, *, coat, trousers="#2d3440", hair="#3b2a20", skin="#d9a982", away=False, stride=None, reach=0.0, bag=False, side=0):
    """A figure 13 units wide and 27 high at scale 1, feet on the lower edge. `stride` is the phase of a walk; `side` -1 or 1 looks that way."""
    board = Board(13, 27, scale)
    swing = math.sin(stride) if stride is not None else 0.0
    bob = abs(math.cos(stride)) * 0.35 if stride is not None else 0.0
    hip, shoulder, cx = 16.5 - bob, 8.6 - bob, 6.5
    lift = swing * 1.5
    spread = 1.7 if not side else 0.5 + 0.2
    reach_x = swing * (2.3 if side else 0.0)
    for sign in (-1, 1):
        foot_y = 26.2 - max(0.0, sign * lift)
        foot_x = cx + sign * spread + sign * reach_x
        board.limb([(cx + sign * spread * 0.8, hip), (foot_x, foot_y - 0.6)], 2.3, trousers)
        board.oval(foot_x + side * 0.5, foot_y - 0.1, 1.5, 0.8, "#1d1f24")
    back = tuple(max(0, c - 22) for c in rgb(coat))
    far_hand = (cx - 3.6 + (swing * 1.9 if side else 0), 15.6 - bob + (0 if side else max(0, lift) * 0.5))
    near_hand = (cx + 3.6 - (swing * 1.9 if side else 0), 15.6 - bob + (0 if side else max(0, -lift) * 0.5))
    if reach:
        aim = (cx + 5.0, 9.4) if not side else (cx + side * 5.6, 11.6)
        start = near_hand if (not side or side > 0) else far_hand
        aimed = (start[0] + (aim[0] - start[0]) * reach, start[1] + (aim[1] - start[1]) * reach)
        if not side or side > 0:
            near_hand = aimed
        else:
            far_hand = aimed
    board.limb([(cx - 2.9, shoulder + 0.9), far_hand], 1.9, back)
    board.circle(*far_hand, 0.9, skin)
    board.rect(cx - 3.5, shoulder - 0.6, 7.0, hip - shoulder + 2.0, coat, 2.6)
    if not away and not side:
        board.rect(cx - 0.18, shoulder + 0.8, 0.36, hip - shoulder - 0.2, back)
    board.limb([(cx + 2.9, shoulder + 0.9), near_hand], 1.9, back)
    board.circle(*near_hand, 0.9, skin)
    if bag:
        x, y = near_hand
        board.rect(x - 1.6, y + 0.5, 3.2, 4.0, "#c79a5b", 0.3)
        board.rect(x - 0.6, y - 0.1, 1.2, 0.9, "#9b7440", 0.3)
    head_y = 4.8 - bob
    board.rect(cx - 0.9, head_y + 2.0, 1.8, 2.0, skin)
    board.circle(cx, head_y, 3.1, hair if away else skin)
    if not away:
        board.draw.pieslice(
            [(cx - 3.2) * board.factor, (head_y - 3.3) * board.factor, (cx + 3.2) * board.factor, (head_y + 2.9) * board.factor],
            178, 362, fill=hair,
        )
        if side:
            board.circle(cx - side * 1.3, head_y - 0.5, 2.2, hair)
        for eye in ((-1.1, 1.1) if not side else (side * 1.7,)):
            board.circle(cx + eye, head_y + 0.7, 0.32, "#26201c")
    return board.done()


def put(picture, figure, left, top):
    """Lays `figure` on `picture` at pixel `left`, `top`, which may lie outside of it."""
    left, top = round(left), round(top)
    box = (max(0, -left), max(0, -top), min(figure.width, picture.width - left), min(figure.height, picture.height - top))
    if box[0] < box[2] and box[1] < box[3]:
        picture.alpha_composite(figure.crop(box), (max(0, left), max(0, top)))


def stand(picture, figure, x, feet_y):
    """Puts `figure` with its feet at `x`, `feet_y` units."""
    put(picture, figure, x * UNIT - figure.width / 2, feet_y * UNIT - figure.height)


def shadow(picture, x, y, rx, ry, strength=70):
    board = Board(rx * 2 + 2, ry * 2 + 2)
    board.oval(rx + 1, ry + 1, rx, ry, (20, 22, 26, strength))
    put(picture, board.done(), (x - rx - 1) * UNIT, (y - ry - 1) * UNIT)


class Front:
    """A house front beside a path; somebody walks up, rings, and leaves."""

    name, title = "front", "Front door"
    moving = [(3.0, 10.5, "person"), (13.0, 19.0, "person")]
    moments = [(10.0, "doorbell")]

    def __init__(self):
        picture = gradient(rgb("#6f90a8"), rgb("#c9d5d5"), 0, 52)
        b = Board(160, 90, smooth=2)
        for x, y, s in ((66, 12, 1.0), (112, 8, 0.8), (20, 7, 0.7)):
            for dx, dy, r in ((-6, 1, 3.2), (-1, -1, 4.2), (5, 0.6, 3.4)):
                b.oval(x + dx * s, y + dy * s, r * s * 1.5, r * s * 0.8, (232, 238, 238, 150))
        b.shape([(0, 52), (34, 43), (70, 50), (112, 42), (160, 50), (160, 56), (0, 56)], "#8b9c8c")
        b.rect(0, 52, 160, 38, "#6f7f5f")
        b.shape([(0, 70), (160, 62), (160, 90), (0, 90)], "#697a59")
        for x in range(52, 160, 4):
            b.rect(x, 47.0, 1.6, 8, "#d8d3c6", 0.5)
        b.rect(50, 49, 110, 1.1, "#cbc5b6")
        b.rect(50, 52.2, 110, 1.1, "#cbc5b6")
        b.shape([(60, 90), (76, 52), (88, 52), (112, 90)], "#b3aa9b")
        for y0, y1 in ((56, 57), (62, 63.2), (69, 70.4), (78, 79.8)):
            l = lambda y: 76 - (y - 52) * 16 / 38
            r = lambda y: 88 + (y - 52) * 24 / 38
            b.shape([(l(y0), y0), (r(y0), y0), (r(y1), y1), (l(y1), y1)], "#a1988a")
        b.rect(75, 44, 2, 10, "#8d8779", 0.4)
        b.rect(87, 44, 2, 10, "#8d8779", 0.4)
        b.rect(0, 14, 48, 58, "#86725f")
        for row in range(12):
            b.rect(0, 18.5 + row * 4.6, 48, 0.35, "#7b6856")
        b.shape([(-2, 15), (50, 15), (44, 3), (-2, 3)], "#4d4540")
        b.rect(46, 14, 2, 58, "#77644f")
        b.rect(17, 31, 17, 41, "#d9d0bf")
        b.rect(19, 33, 13, 39, "#3d5a57")
        b.rect(21, 36, 9, 12, "#57827d")
        b.rect(21, 52, 9, 15, "#345050")
        b.circle(29.6, 54.5, 0.8, "#e4c46a")
        b.rect(36.6, 56, 3, 5, "#e9e4d8", 0.6)
        b.circle(38.1, 58.5, 0.9, "#b5483a")
        for x, y, r in ((79, 66, 4.2), (71.5, 70.5, 4.6), (63, 75.5, 5.0), (54, 81, 5.6), (45, 85, 6.0)):
            b.oval(x, y, r, r * 0.34, "#a89f90")
            b.oval(x, y - 0.3, r, r * 0.3, "#b8afa0")
        b.rect(37, 28, 5, 7, "#2e2a27", 0.8)
        b.rect(38, 29.4, 3, 4.2, "#f3dfa6", 0.5)
        b.rect(4, 32, 9, 13, "#d9d0bf")
        b.rect(5, 33, 7, 11, "#93aab3")
        b.rect(8.2, 33, 0.6, 11, "#d9d0bf")
        b.rect(13, 72, 25, 2.6, "#a39a8c")
        b.rect(10, 74.6, 31, 3, "#948b7e")
        for x, h, c in ((4, 7, "#54694a"), (9.5, 5, "#5f7752"), (46, 6, "#54694a"), (52, 4.4, "#5f7752")):
            b.oval(x, 76, h * 0.8, h * 0.75, c)
        b.rect(132, 44, 4.4, 24, "#57453a")
        for x, y, r, c in ((134, 36, 15, "#4a6046"), (124, 40, 10, "#526b4c"), (146, 41, 10, "#435a40"), (135, 26, 10, "#5a7452"), (128, 31, 6, "#64805a")):
            b.circle(x, y, r, c)
        b.oval(134, 67.6, 13, 1.8, "#57684c")
        b.rect(132, 60, 4.4, 7.6, "#57453a")
        b.rect(104, 58, 1.6, 9, "#6d5c4b")
        b.rect(100.6, 52.6, 8.4, 6, "#a5483b", 1.4)
        b.rect(101.8, 55, 6, 0.9, "#7a342b")
        picture.alpha_composite(b.done())
        self.base = picture

    def draw(self, picture, time):
        if not 3.0 <= time <= 19.0:
            return
        leaving = time > 13.0
        near = 1 - ease(span(time, 13.0, 19.0)) if leaving else ease(span(time, 3.0, 9.4))
        scale = 0.42 + near * 1.16
        bend = max(0.0, near - 0.3) / 0.7
        x, y = 82.2 - bend * 33.4, 54.5 + near * 30.3
        walking = (3.0 < time < 9.3) or (13.2 < time < 18.9)
        reach = ease(span(time, 9.5, 10.0)) - ease(span(time, 10.2, 10.6))
        side = -1 if 9.3 < time < 13.1 else 0
        shadow(picture, x, y - 0.4, 4.6 * scale, 0.9 * scale)
        stand(picture, person(scale, coat="#33557c", away=leaving and not side, side=side, stride=time * 6.6 if walking else None, reach=reach), x, y)


class Garage:
    """A garage at dusk; a car leaves and comes back."""

    name, title = "garage", "Garage"
    moving = [(2.0, 11.0, "vehicle"), (14.0, 22.0, "vehicle")]
    moments = []
    OPENING = (48, 26, 58, 42)

    def __init__(self):
        picture = gradient(rgb("#22304a"), rgb("#a67c66"), 0, 62)
        b = Board(160, 90, smooth=2)
        for x, y in ((12, 8), (31, 15), (70, 5), (96, 9), (121, 4), (147, 13), (138, 22), (20, 24)):
            b.circle(x, y, 0.3, "#d8dbe4")
        b.shape([(0, 62), (0, 46), (10, 46), (10, 40), (20, 40), (20, 48), (30, 48), (30, 62)], "#2d3242")
        b.shape([(126, 62), (126, 44), (138, 38), (150, 44), (150, 50), (160, 50), (160, 62)], "#2d3242")
        for x, y in ((4, 50), (14, 44), (134, 48), (143, 48)):
            b.rect(x, y, 2, 2.4, "#e9c987")
        b.rect(0, 60, 160, 30, "#4a4e44")
        b.shape([(46, 68), (108, 68), (136, 90), (14, 90)], "#5c5a58")
        b.shape([(76, 68), (78, 68), (77, 90), (72.5, 90)], "#676563")
        b.rect(38, 18, 78, 50, "#7c7268")
        for row in range(10):
            b.rect(38, 22 + row * 4.8, 78, 0.3, "#71685f")
        b.shape([(34, 19), (120, 19), (112, 9), (42, 9)], "#3a3c46")
        b.rect(46, 24, 62, 44, "#5a534c")
        b.rect(109.6, 28, 3.6, 5.4, "#2e2a27", 0.8)
        b.rect(110.3, 29, 2.2, 3.4, "#fbe8b4", 0.5)
        b.circle(127, 66, 4.4, "#3f5040")
        b.circle(132, 67, 3.4, "#4a5d49")
        b.circle(29, 66, 4.0, "#3f5040")
        picture.alpha_composite(b.done())
        glow = Board(40, 40, smooth=1)
        for step in range(18, 0, -1):
            glow.circle(20, 20, step, (251, 226, 160, 2 + (18 - step)))
        put(picture, glow.done(), 91.4 * UNIT, 10.6 * UNIT)
        self.base = picture
        x, y, w, h = self.OPENING
        inside = Board(w, h, smooth=2)
        inside.rect(0, 0, w, h, "#3a352f")
        inside.shape([(0, h), (w, h), (w - 8, h - 7), (8, h - 7)], "#4b463f")
        inside.rect(8, 4, w - 16, h - 11, "#574f45")
        inside.rect(22, 1.0, 14, 1.6, "#fdf3d0", 0.6)
        for sx in (11, 40):
            for sy in (12, 20):
                inside.rect(sx, sy, 8, 0.9, "#3b342d")
                for dx, c in ((0.6, "#8c5a44"), (3.2, "#54707a"), (5.6, "#8a7b4f")):
                    inside.rect(sx + dx, sy - 3, 1.8, 3, c)
        self.inside = inside.done()
        door = Board(w, h, smooth=2)
        door.rect(0, 0, w, h, "#8d8378")
        for row in range(5):
            door.rect(0.8, 0.8 + row * 8.4, w - 1.6, 6.9, "#9b9186", 0.5)
            door.rect(0.8, 7.0 + row * 8.4, w - 1.6, 0.7, "#7d746a")
        door.rect(w / 2 - 3, h - 4.6, 6, 1.0, "#55504a", 0.4)
        self.door = door.done()

    @staticmethod
    def car(scale, away):
        b = Board(38, 26, scale, smooth=2)
        body, dark = "#b4473a", "#8c352c"
        for x in (4.5, 27.5):
            b.rect(x, 18.5, 6, 6.5, "#1b1c20", 1.2)
        b.shape([(8, 10.5), (11.5, 2.8), (26.5, 2.8), (30, 10.5)], dark)
        b.shape([(9.6, 10), (12.4, 4.1), (25.6, 4.1), (28.4, 10)], "#2b3846" if away else "#a9c0cb")
        if not away:
            b.shape([(13.5, 10), (17.5, 4.1), (20.5, 4.1), (16.5, 10)], "#c3d5dc")
            b.circle(14.4, 8.6, 1.5, "#3c3530")
        b.rect(3, 9.6, 32, 11.4, body, 3.2)
        b.rect(1.4, 8.4, 3.6, 2.4, dark, 0.9)
        b.rect(33, 8.4, 3.6, 2.4, dark, 0.9)
        b.rect(3.4, 17.2, 31.2, 4.2, dark, 1.8)
        for x in (5, 27.4):
            if away:
                b.rect(x, 12.2, 5.6, 2.8, "#ff5140", 0.8)
            else:
                b.oval(x + 2.8, 13.6, 2.8, 1.9, "#fff4cf")
        if away:
            b.rect(14.6, 14, 8.8, 2.6, "#e8e6dc", 0.4)
        else:
            b.rect(12.6, 12.4, 12.8, 2.8, "#3a2522", 0.8)
            b.rect(14.6, 17.8, 8.8, 2.4, "#e8e6dc", 0.4)
        return b.done()

    def draw(self, picture, time):
        x, y, w, h = self.OPENING
        if time < 11.5:
            opened = ease(span(time, 2.0, 4.0)) - ease(span(time, 9.0, 11.0))
            way, away, there = span(time, 4.2, 9.0), False, time < 9.0
        else:
            opened = ease(span(time, 14.0, 16.0)) - ease(span(time, 20.2, 22.0))
            way, away, there = 1 - span(time, 15.6, 20.0), True, time > 15.6
        left, top = x * UNIT, y * UNIT
        if opened > 0.002:
            picture.paste(self.inside, (left, top))
        near = way * way
        scale = 0.86 + near * 1.5
        feet = 63.5 + near * 72.0
        if there and opened > 0.002:
            shadow(picture, 77, feet - 0.6 * scale, 17 * scale, 1.5 * scale, 110)
            stand(picture, self.car(scale, away), 77, feet)
        if opened < 0.998:
            shown = round(h * UNIT * (1 - opened))
            if shown > 0:
                picture.paste(self.door.crop((0, h * UNIT - shown, w * UNIT, h * UNIT)), (left, top))


class Shop:
    """A shop counter; a customer comes in, is served, and leaves."""

    name, title = "shop", "Shop counter"
    moving = [(2.0, 6.6, "person"), (8.4, 10.6, "person"), (12.0, 16.6, "person"), (18.5, 22.0, "person")]
    moments = []

    def __init__(self):
        picture = gradient(rgb("#6a6057"), rgb("#998d7c"), 0, 74)
        b = Board(160, 90, smooth=2)
        b.rect(0, 72, 160, 18, "#6b5a4b")
        for x in range(-20, 180, 20):
            b.shape([(x, 90), (x + 10, 72), (x + 10.6, 72), (x + 1.2, 90)], "#5f5043")
        b.rect(62, 14, 20, 58, "#4c443d")
        b.rect(64, 16, 16, 56, "#93aab3")
        b.rect(64, 50, 16, 22, "#77868a")
        b.rect(71.6, 16, 0.9, 56, "#4c443d")
        b.rect(66, 30, 12, 6, "#efe6d0", 0.6)
        b.draw.text((72 * b.factor, 33 * b.factor), "OPEN", font=font(round(3.3 * b.factor)), fill="#a5533f", anchor="mm")
        colours = ["#a5533f", "#4f7a83", "#c79a5b", "#6d7f56", "#85607a", "#d7cbb0"]
        for row, y in enumerate((20, 36, 52)):
            b.rect(4, y, 52, 2.6, "#3f3830")
            x, index = 6.0, row * 2
            while x < 52:
                w, h = 3.4 + (index * 7 % 5) * 0.7, 6 + (index * 5 % 7)
                b.rect(x, y - h, w, h, colours[index % len(colours)], 0.5)
                b.rect(x + 0.6, y - h * 0.6, w - 1.2, 1.2, "#e6dfcf")
                x += w + 1.1 + (index % 3) * 0.5
                index += 1
        b.rect(4, 8, 2, 64, "#332d27")
        b.rect(54, 8, 2, 64, "#332d27")
        for row, y in enumerate((16, 28)):
            b.rect(100, y, 50, 2.0, "#3f3830")
            for i in range(8):
                h = 6 + (i * 3 + row) % 3
                b.rect(102 + i * 6, y - h, 3.0, h, colours[(i + row * 3) % len(colours)], 1.2)
                b.rect(102.9 + i * 6, y - h - 1.4, 1.2, 1.8, "#2f2a26", 0.3)
        for x in (92, 130):
            b.rect(x, 0, 0.5, 6, "#2a2622")
            b.shape([(x - 4, 9.4), (x + 4.5, 9.4), (x + 2, 5), (x - 1.5, 5)], "#2a2622")
            b.oval(x + 0.25, 9.5, 3.2, 1.0, "#fbe8b4")
        picture.alpha_composite(b.done())
        self.base = picture
        f = Board(160, 90, smooth=2)
        f.rect(98, 57, 62, 33, "#5f4c3a")
        for x in (104, 122, 140):
            f.rect(x, 64, 14, 22, "#6b5743", 0.6)
        f.rect(94, 52, 66, 5.4, "#86694e", 0.6)
        f.rect(94, 56.6, 66, 1.0, "#6d543d")
        f.rect(138, 42, 14, 10, "#2f3338", 1.0)
        f.rect(140, 38, 10, 6, "#3c4248", 0.8)
        f.rect(141, 39, 8, 3.4, "#8fd3c2", 0.3)
        f.rect(155, 46, 4, 6, "#4f7a83", 0.8)
        self.counter = f.done()

    def draw(self, picture, time):
        turn = ease(span(time, 18.5, 20.0)) - ease(span(time, 20.5, 22.0))
        giving = ease(span(time, 8.4, 9.3)) - ease(span(time, 9.8, 10.6))
        moving = 18.5 < time < 20.0 or 20.5 < time < 22.0
        stand(
            picture,
            person(1.55, coat="#6d7f56", hair="#8a8580", trousers="#3a3f44", side=0 if turn and not moving else -1 if time < 20.5 else 1,
                   away=bool(turn) and not moving, stride=time * 6.0 if moving else None, reach=giving),
            124 - turn * 10, 74,
        )
        picture.alpha_composite(self.counter)
        if 9.2 < time < 10.0:
            board = Board(6, 8)
            board.rect(1, 2, 4.6, 6, "#c79a5b", 0.4)
            board.rect(2.4, 1, 1.8, 1.4, "#9b7440", 0.4)
            put(picture, board.done(), 98 * UNIT, 44.4 * UNIT)
        if 2.0 <= time <= 16.6:
            leaving = time > 12.0
            way = 1 - ease(span(time, 12.0, 16.6)) if leaving else ease(span(time, 2.0, 6.6))
            x = -12 + way * 95
            walking = (2.0 < time < 6.5) or (12.1 < time < 16.6)
            shadow(picture, x, 87.4, 8.5, 1.3, 90)
            stand(
                picture,
                person(1.95, coat="#a5533f", hair="#2a211d", side=-1 if leaving else 1, stride=time * 6.4 if walking else None,
                       reach=giving, bag=time > 9.9),
                x, 88,
            )


SCENES = {scene.name: scene for scene in (Front, Garage, Shop)}


def overlay(picture, title, time):
    """Burns the name, the clock and the clock's bits into `picture`."""
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle(CLOCK_BOX, 14, fill=(14, 17, 20))
    draw.text((CLOCK_BOX[0] + 26, CLOCK_BOX[1] + 10), title, font=NAME_FONT, fill=(190, 200, 208))
    tenths = int(time * 10 + 1e-6)
    text = f"{tenths // 36000:02}:{tenths // 600 % 60:02}:{tenths // 10 % 60:02}.{tenths % 10}"
    draw.text((CLOCK_BOX[0] + 22, CLOCK_BOX[1] + 42), text, font=CLOCK_FONT, fill=(255, 255, 255))
    left, top, right, bottom = BITS_BOX
    width = (right - left) / BIT_COUNT
    for bit in range(BIT_COUNT):
        on = tenths >> (BIT_COUNT - 1 - bit) & 1
        box = [left + bit * width + 3, top, left + (bit + 1) * width - 3, bottom]
        draw.rectangle(box, fill=(255, 255, 255) if on else (44, 50, 56))


def frame(scene, time):
    picture = scene.base.copy()
    scene.draw(picture, time)
    overlay(picture, scene.title, time)
    return picture.convert("RGB")


def encode(scene):
    def stream(rate, level):
        return [
            "-c:v", "libx264", "-preset", "slow", "-pix_fmt", "yuv420p", "-color_range", "tv", "-bsf:v", "h264_mp4toannexb",
            "-profile:v", "high" if level == "4.0" else "main", "-level", level, "-bf", "0", "-refs", "2", "-flags", "+cgop",
            "-x264-params", f"keyint={rate}:min-keyint={rate}:scenecut=0:aud=1:repeat-headers=1:colormatrix=bt709:colorprim=bt709:transfer=bt709",
            "-f", "h264",
        ]

    colours = "scale=out_color_matrix=bt709:out_range=tv"
    command = [
        "ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}",
        "-r", str(FRAMES_PER_SECOND), "-i", "-", "-filter_complex",
        f"split[a][b];[a]{colours}[main];[b]fps={SUB_FRAMES_PER_SECOND}:round=near,{colours}:w=640:h=360:flags=area[sub]",
        "-map", "[main]", *stream(FRAMES_PER_SECOND, "4.0"), "-crf", "23", str(HERE / f"{scene.name}.main.h264"),
        "-map", "[sub]", *stream(SUB_FRAMES_PER_SECOND, "3.0"), "-crf", "25", "-frames:v", str(SUB_FRAMES_PER_SECOND * LENGTH_SECONDS),
        str(HERE / f"{scene.name}.sub.h264"),
    ]
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE)
    for index in range(FRAMES_PER_SECOND * LENGTH_SECONDS):
        encoder.stdin.write(frame(scene, index / FRAMES_PER_SECOND).tobytes())
    encoder.stdin.close()
    if encoder.wait() != 0:
        sys.exit("ffmpeg failed")
    frame(scene, scene.moving[0][0] + 4.5).resize((640, 360), Image.LANCZOS).save(HERE / f"{scene.name}.jpg", quality=82, subsampling=2)
    sidecar = {
        "scene": scene.name,
        "title": scene.title,
        "length_seconds": LENGTH_SECONDS,
        "main": {"width": WIDTH, "height": HEIGHT, "frames_per_second": FRAMES_PER_SECOND},
        "sub": {"width": 640, "height": 360, "frames_per_second": SUB_FRAMES_PER_SECOND},
        "clock_box": dict(zip(("left", "top", "right", "bottom"), CLOCK_BOX)),
        "tenths_box": dict(zip(("left", "top", "right", "bottom"), BITS_BOX)),
        "tenths_bits": BIT_COUNT,
        "moving": [{"from_seconds": a, "to_seconds": b, "kind": kind} for a, b, kind in scene.moving],
        "moments": [{"at_seconds": at, "kind": kind} for at, kind in scene.moments],
    }
    (HERE / f"{scene.name}.json").write_text(json.dumps(sidecar, indent=2) + "\n")


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "--still":
        frame(SCENES[sys.argv[2]](), float(sys.argv[3])).save(sys.argv[4])
        return
    for name in sys.argv[1:] or SCENES:
        encode(SCENES[name]())


if __name__ == "__main__":
    main()
