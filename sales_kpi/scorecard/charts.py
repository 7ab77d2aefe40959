"""Charts as SVG, drawn by Vega-Lite: text stays text, and a missing value stays a gap.

Colours are tokens of the theme. An SVG is right as it stands; on the page the stylesheet exchanges each token for its
counterpart in the dark (`recolouring`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from markupsafe import Markup, escape

FONT = "Vazirmatn, 'Noto Sans Arabic', 'Segoe UI', 'Helvetica Neue', Roboto, 'Noto Sans', Arial, sans-serif"

INK, MUTED, GRID = "#1c2733", "#56636f", "#dfe4e8"
ACCENT, SOFT, RETURN, PAPER = "#0b6cb0", "#5f9fca", "#8a949d", "#fffffe"
HATCH = "#0b6cb1"
"""Stands for the hatching of what isn't complete; Vega-Lite has no patterns."""

DARK = {
	INK: "#e8edf2",
	MUTED: "#a3b0bc",
	GRID: "#36414c",
	ACCENT: "#5db4f0",
	SOFT: "#3d82b5",
	RETURN: "#87929d",
	PAPER: "#1b222a",
}
"""The tokens' counterparts on dark paper."""

_RIGHT_TO_LEFT, _END = "\u2067", "\u2069"


@dataclass(frozen=True)
class Point:
	"""One period in a chart; value None is a gap. few: too few cases to judge. note: written beside it."""

	value: float | None
	complete: bool = True
	few: bool = False
	note: str = ""


@dataclass(frozen=True)
class Bar:
	"""What was invoiced and returned (0 or less) in one period; value is both together."""

	up: float
	down: float
	complete: bool = True
	note: str = ""

	@property
	def value(self) -> float:
		return self.up + self.down


@dataclass(frozen=True)
class Frame:
	"""Size, direction of time, and the labels below the axis, in two lines."""

	width: int
	height: int
	right_to_left: bool
	ticks: Sequence[tuple[str, str]] = ()

	@property
	def start(self) -> str:
		return "right" if self.right_to_left else "left"

	def written(self, text: str) -> str:
		"""A text in the order of its language: text in SVG runs left to right unless it says otherwise."""
		return f"{_RIGHT_TO_LEFT}{text}{_END}" if text and self.right_to_left else text


@dataclass(frozen=True)
class Scale:
	"""A value axis that contains 0: its ends and its gridlines with their labels."""

	low: float
	high: float
	lines: Sequence[float]
	labels: Sequence[str]


def recolouring(prefix: str = ".chart") -> str:
	"""CSS by which the page gives each colour token the value that its variables hold."""
	return "\n".join(
		f'{prefix} [{attribute}="{token}"]{{{attribute}:var(--{name})}}'
		for name, token in names().items()
		for attribute in ("fill", "stroke")
	)


def names() -> dict[str, str]:
	"""CSS variables of the tokens."""
	return {
		"ink": INK,
		"muted": MUTED,
		"grid": GRID,
		"accent": ACCENT,
		"soft": SOFT,
		"return": RETURN,
		"paper": PAPER,
	}


def scale(values: Iterable[float], write: Callable[[float], str], whole: bool = False) -> Scale:
	"""An axis that contains 0, with some gridlines at round (if need be whole) numbers, and room for a label on top."""
	known = [*values, 0.0]
	low, high = min(known), max(known)
	step = _round_step((high - low or 1.0) / 3)
	if whole:
		step = max(step, 1.0)
	first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
	bottom = low - (high - low) * 0.02 if low < 0 else 0.0
	lines = [step * number for number in range(first, max(last, first + 1) + 1)]
	lines = [line for line in lines if line >= bottom]
	top = max(lines[-1], high + (high - low) * 0.1)
	return Scale(bottom, top, lines, [write(line) for line in lines])


def _round_step(rough: float) -> float:
	magnitude: float = 10.0 ** math.floor(math.log10(rough))
	return next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= rough * 0.999)


def bars(points: Sequence[Bar | None], axis: Scale, frame: Frame, label: str) -> Markup:
	"""Bars from 0, what was returned below it, and a mark at what remains; the last bar stands out."""
	last = len(points) - 1
	rows = [
		{
			"x": index,
			"up": point.up,
			"down": point.down,
			"net": point.value,
			"note": frame.written(point.note),
			"above": max(point.up, point.value, 0),
			"fill": HATCH if not point.complete else ACCENT if index == last else SOFT,
		}
		for index, point in enumerate(points)
		if point is not None
	]
	has_returns = any(row["down"] for row in rows)
	fill = {"field": "fill", "type": "nominal", "scale": None}
	layers: list[dict[str, Any]] = [
		{
			"mark": {"type": "bar", "width": {"band": 0.72}},
			"encoding": {"y": _y("up", axis, frame), "fill": fill},
		},
		{
			"transform": [{"filter": f"datum.fill == '{HATCH}'"}],
			"mark": {
				"type": "bar",
				"width": {"band": 0.72},
				"stroke": ACCENT,
				"strokeWidth": 1,
				"fill": None,
			},
			"encoding": {"y": _y("up", axis, frame)},
		},
	]
	if has_returns:
		layers += [
			{
				"mark": {"type": "bar", "width": {"band": 0.72}, "fill": RETURN},
				"encoding": {"y": _y("down", axis, frame)},
			},
			{
				"transform": [{"filter": "datum.down < 0"}],
				"mark": {"type": "tick", "thickness": 2, "color": INK, "width": {"band": 0.86}},
				"encoding": {"y": _y("net", axis, frame)},
			},
		]
	layers += _notes(_y("above", axis, frame), -4)
	return _svg(_layered(rows, layers, len(points), frame) | _zero_line(), label)


def line(points: Sequence[Point], axis: Scale, frame: Frame, label: str) -> Markup:
	"""A line with gaps; what isn't final is dashed and hollow, what rests on few cases is faint."""
	rows = [
		{
			"x": index,
			"y": point.value,
			"note": frame.written(point.note),
			"fill": ACCENT if point.complete else PAPER,
			"opacity": 0.45 if point.few else 1,
		}
		for index, point in enumerate(points)
		if point.value is not None
	]
	strokes = [
		{"x": index, "y": points[index].value, "piece": number, "dash": dash}
		for number, (run, dash) in enumerate(_runs(points))
		for index in run
	]
	y = _y("y", axis, frame)
	layers: list[dict[str, Any]] = [
		{
			"data": {"values": [row for row in strokes if row["dash"] == dashed]},
			"mark": {
				"type": "line",
				"color": ACCENT,
				"strokeWidth": 2,
				"strokeDash": [4, 3] if dashed else [1, 0],
			},
			"encoding": {"y": y, "detail": {"field": "piece"}},
		}
		for dashed in (False, True)
	]
	layers += [
		{
			"mark": {"type": "point", "size": 34, "stroke": ACCENT, "strokeWidth": 1.6, "filled": True},
			"encoding": {
				"y": y,
				"fill": {"field": "fill", "type": "nominal", "scale": None},
				"opacity": {"field": "opacity", "type": "quantitative", "scale": None},
			},
		},
		*_notes(y, -7),
	]
	return _svg(_layered(rows, layers, len(points), frame) | _zero_line(), label)


def funnel(stages: Sequence[tuple[str, float, str]], frame: Frame, label: str) -> Markup:
	"""How many there were of each stage: (name, count, count in words)."""
	rows = [{"stage": name, "count": count, "note": frame.written(note)} for name, count, note in stages]
	reverse = frame.right_to_left
	x = {
		"field": "count",
		"type": "quantitative",
		"axis": None,
		"scale": {
			"domain": [0, max((count for _, count, _ in stages), default=1) * 1.22 or 1],
			"reverse": reverse,
		},
	}
	y: dict[str, Any] = {
		"field": "stage",
		"type": "nominal",
		"sort": None,
		"axis": {
			"title": None,
			"domain": False,
			"ticks": False,
			"labelFontSize": 12,
			"labelColor": INK,
			"labelPadding": 8,
			"orient": frame.start,
			"labelLimit": 0,
			"minExtent": _extent((name for name, _, _ in stages), 12),
		},
	}
	layers: list[dict[str, Any]] = [
		{"mark": {"type": "bar", "color": SOFT, "height": {"band": 0.66}}, "encoding": {"x": x, "y": y}},
		{
			"mark": {
				"type": "text",
				"align": frame.start,
				"dx": -6 if reverse else 6,
				"baseline": "middle",
				"fontSize": 12,
				"fontWeight": 600,
				"color": INK,
			},
			"encoding": {"x": x, "y": y, "text": {"field": "note"}},
		},
	]
	return _svg({"data": {"values": rows}, "layer": layers, **_sized(frame)}, label)


def sparkline(points: Sequence[Point], frame: Frame, label: str) -> Markup:
	"""The shape of thirteen periods: a line with gaps, its last point marked, hollow while it can still change."""
	known = [point.value for point in points if point.value is not None]
	low, high = min(known, default=0.0), max(known, default=1.0)
	room = (high - low) * 0.12 or abs(high) * 0.5 or 1.0
	y = {
		"field": "y",
		"type": "quantitative",
		"axis": None,
		"scale": {"domain": [low - room, high + room], "zero": False, "nice": False},
	}
	x = {
		"field": "x",
		"type": "quantitative",
		"axis": None,
		"scale": {"domain": [-0.4, len(points) - 0.6], "reverse": frame.right_to_left, "nice": False},
	}
	strokes = [
		{"x": index, "y": points[index].value, "piece": number}
		for number, (run, _) in enumerate(_runs(points))
		for index in run
	]
	last = len(points) - 1
	joined = {row["x"] for row in strokes}
	dots = [
		{
			"x": index,
			"y": point.value,
			"fill": ACCENT if point.complete else PAPER,
			"size": 26 if index == last else 9,
		}
		for index, point in enumerate(points)
		if point.value is not None and (index == last or index not in joined)
	]
	layers: list[dict[str, Any]] = [
		{
			"data": {"values": strokes},
			"mark": {"type": "line", "color": SOFT, "strokeWidth": 1.6},
			"encoding": {"x": x, "y": y, "detail": {"field": "piece"}},
		},
		{
			"data": {"values": dots},
			"mark": {"type": "point", "filled": True, "stroke": ACCENT, "strokeWidth": 1.5, "opacity": 1},
			"encoding": {
				"x": x,
				"y": y,
				"fill": {"field": "fill", "type": "nominal", "scale": None},
				"size": {"field": "size", "type": "quantitative", "scale": None},
			},
		},
	]
	spec = {
		"layer": layers,
		"width": frame.width,
		"height": frame.height,
		"autosize": {"type": "none"},
		"padding": 0,
	}
	return _svg(spec, label)


def _runs(points: Sequence[Point]) -> Iterator[tuple[list[int], bool]]:
	"""Neighbours that one stroke joins, and whether it is dashed: a gap or a change of style ends it."""
	run: list[int] = []
	dashed = False
	for index in range(len(points) - 1):
		one, other = points[index], points[index + 1]
		joined = one.value is not None and other.value is not None
		dash = not (one.complete and other.complete)
		if run and joined and dash == dashed:
			run.append(index + 1)
			continue
		if run:
			yield run, dashed
		run, dashed = ([index, index + 1] if joined else []), dash
	if run:
		yield run, dashed


def _y(field: str, axis: Scale, frame: Frame) -> dict[str, Any]:
	step = axis.lines[1] - axis.lines[0] if len(axis.lines) > 1 else 1.0
	labels = json.dumps([frame.written(label) for label in axis.labels], ensure_ascii=False)
	return {
		"field": field,
		"type": "quantitative",
		"scale": {"domain": [axis.low, axis.high], "nice": False, "zero": False},
		"axis": {
			"title": None,
			"orient": frame.start,
			"values": list(axis.lines),
			"labelExpr": f"{labels}[round((datum.value - {axis.lines[0]!r}) / {step!r})]",
			"domain": False,
			"ticks": False,
			"labelPadding": 6,
			"minExtent": _extent(axis.labels, 11),
		},
	}


def _layered(
	rows: Sequence[dict[str, Any]], layers: Sequence[dict[str, Any]], count: int, frame: Frame
) -> dict[str, Any]:
	x = {
		"field": "x",
		"type": "ordinal",
		"scale": {"domain": list(range(count)), "reverse": frame.right_to_left},
		"axis": {
			"title": None,
			"labelExpr": _tick_expression(frame, count),
			"labelAngle": 0,
			"labelOverlap": False,
			"labelLineHeight": 13,
			"ticks": False,
			"domain": False,
			"grid": False,
			"orient": "bottom",
			"offset": 2,
		},
	}
	return {
		"data": {"values": list(rows)},
		"encoding": {"x": x},
		"layer": list(layers),
		**_sized(frame),
	}


def _sized(frame: Frame) -> dict[str, Any]:
	return {
		"width": frame.width,
		"height": frame.height,
		"autosize": {"type": "fit", "contains": "padding"},
		"padding": {"left": 2, "right": 2, "top": 4, "bottom": 2},
	}


def _notes(y: dict[str, Any], above: int) -> list[dict[str, Any]]:
	"""What is written at a point, with a halo so that lines behind it don't cross it out."""
	mark = {"type": "text", "baseline": "bottom", "dy": above, "fontSize": 11, "fontWeight": 600}
	halo = {"stroke": PAPER, "strokeWidth": 4, "strokeJoin": "round", "fill": PAPER}
	encoding = {"y": y, "text": {"field": "note"}}
	return [{"mark": mark | halo, "encoding": encoding}, {"mark": mark | {"fill": INK}, "encoding": encoding}]


def _extent(labels: Iterable[str], size: int) -> float:
	"""Room for labels. They are drawn in whatever font the reader has, so measuring them in ours would cut some."""
	return max((len(label.strip("\u2066\u2069 ")) for label in labels), default=1) * size * 0.6 + 8


def _zero_line() -> dict[str, Any]:
	at_zero = {"condition": {"test": "datum.value === 0", "value": MUTED}, "value": GRID}
	return {"config": _CONFIG | {"axisY": {"gridColor": at_zero}}}


def _tick_expression(frame: Frame, count: int) -> str:
	"""Labels below the axis, thinned out so that they don't touch; the last period always has one."""
	room = (frame.width - 60) / max(count, 1)
	longest = max((len(line) for tick in frame.ticks for line in tick), default=1)
	every = max(1, math.ceil((longest * 6.2 + 6) / room))
	written: list[str | list[str]] = []
	second = ""
	for index, (first_line, second_line) in enumerate(frame.ticks):
		if (count - 1 - index) % every:
			written.append("")
			continue
		lines = [first_line] if second_line in ("", second) else [first_line, second_line]
		second = second_line
		written.append(lines)
	return f"{json.dumps(written, ensure_ascii=False)}[datum.value]"


_CONFIG: dict[str, Any] = {
	"aria": False,
	"background": None,
	"font": FONT,
	"view": {"stroke": None},
	"axis": {"labelColor": MUTED, "gridColor": GRID, "labelFontSize": 11, "labelFont": FONT},
}

_PATTERN = (
	'<defs><pattern id="{0}" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
	'<rect width="1.8" height="5" fill="{1}"/></pattern></defs>'
)


_NOISE = re.compile(
	r'\s(?:xmlns(?::xlink)?|version|role|aria-roledescription)="[^"]*"'
	r'|<path class="(?:fore|back)ground" aria-hidden="true" d="[^"]*"(?: display="none")?/>'
)
"""What inline SVG can do without: namespaces, roles inside a picture that has one name, empty frames."""


def _svg(spec: dict[str, Any], label: str) -> Markup:
	"""The picture that a specification describes, named for those who don't see it."""
	import vl_convert

	svg: str = vl_convert.vegalite_to_svg({"config": _CONFIG, **spec}, allowed_base_urls=[])
	svg = _NOISE.sub("", svg)
	pattern = ""
	if HATCH in svg:
		name = f"hatch-{crc32(svg.encode()):x}"
		pattern = _PATTERN.format(name, ACCENT)
		svg = svg.replace(f'"{HATCH}"', f'"url(#{name})"')
	opening, rest = svg.split(">", 1)
	return Markup(f'{opening} role="img" aria-label="{escape(label)}">{pattern}{rest}')
