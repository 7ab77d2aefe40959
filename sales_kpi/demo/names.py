"""Names of people, places, channels and companies, and ERPNext's document names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Objects = NDArray[np.object_]

# (display name, Latin spelling for the e-mail address)
_PEOPLE = [
	("Anna Lindqvist", "anna.lindqvist"),
	("Jonas Weber", "jonas.weber"),
	("Marco Rossi", "marco.rossi"),
	("مریم احمدی", "maryam.ahmadi"),
	("Viktor Novak", "viktor.novak"),
	("Grace Okafor", "grace.okafor"),
	("Claire Dubois", "claire.dubois"),
	("Hiroshi Tanaka", "hiroshi.tanaka"),
	("Priya Nair", "priya.nair"),
	("Tomasz Kowalski", "tomasz.kowalski"),
	("Elif Yılmaz", "elif.yilmaz"),
	("Daniel Hughes", "daniel.hughes"),
]
_FIRST = [
	"Lucía",
	"Omar",
	"Sofia",
	"Peter",
	"Aisha",
	"Lars",
	"Mei",
	"Ivan",
	"Fatima",
	"Paul",
	"Zanele",
	"Diego",
	"Emma",
	"Reza",
	"Olga",
	"Ben",
]
_LAST = [
	"García",
	"Haddad",
	"Jensen",
	"Nguyen",
	"Schmidt",
	"Silva",
	"Popov",
	"Khan",
	"Moreau",
	"Larsen",
	"Mbeki",
	"Sato",
	"Costa",
	"Karimi",
]

TEAMS = ["North", "South", "Key Accounts", "East", "West", "Export", "Online", "Public Sector", "Partners"]

REGIONS = {
	"DACH": ["Germany", "Austria", "Switzerland"],
	"Western Europe": ["France", "Netherlands", "Spain", "Belgium"],
	"Northern Europe": ["Sweden", "Denmark", "Norway", "United Kingdom"],
	"Middle East": ["Türkiye", "United Arab Emirates", "Iran", "Saudi Arabia"],
	"Americas": ["United States", "Canada", "Brazil", "Mexico"],
	"Asia Pacific": ["India", "Japan", "Singapore", "Australia"],
}
# In order of weight: the first territory sells most.
_COUNTRIES = [
	"Germany",
	"France",
	"United States",
	"Netherlands",
	"Austria",
	"Sweden",
	"Spain",
	"Türkiye",
	"India",
	"United Arab Emirates",
	"Switzerland",
	"Iran",
	"United Kingdom",
	"Denmark",
	"Canada",
	"Japan",
	"Belgium",
	"Brazil",
	"Norway",
	"Saudi Arabia",
	"Singapore",
	"Mexico",
	"Australia",
]

SOURCES = [
	"Website",
	"Referral",
	"Exhibition",
	"Cold Calling",
	"Campaign",
	"Partner",
	"Advertisement",
	"Walk In",
]

_HEADS = [
	"Aurora",
	"Baltic",
	"Cedar",
	"Delta",
	"Elbe",
	"Falcon",
	"Granite",
	"Helios",
	"Iberia",
	"Juniper",
	"Kestrel",
	"Lumen",
	"Meridian",
	"Nordic",
	"Orion",
	"Pioneer",
	"Quartz",
	"Rhine",
	"Sterling",
	"Tundra",
	"Umbra",
	"Vega",
	"Westfield",
	"Xenon",
	"Yarrow",
	"Zenith",
	"Alpine",
	"Birch",
	"Cobalt",
	"Danube",
	"Ember",
	"Fjord",
	"Garnet",
	"Harbor",
	"Indigo",
	"Jade",
	"Karst",
	"Lagoon",
	"Maple",
	"Nimbus",
	"Opal",
	"Prairie",
	"Raven",
	"Sierra",
	"Topaz",
	"Ural",
	"Valley",
	"Willow",
	"Atlas",
	"Beacon",
	"Copper",
	"Dune",
	"Everest",
	"Forge",
	"Glacier",
	"Horizon",
	"Ivory",
	"Jasper",
	"Krone",
	"Linden",
]
_TRADES = [
	"Systems",
	"Logistics",
	"Foods",
	"Engineering",
	"Pharma",
	"Textiles",
	"Robotics",
	"Energy",
	"Packaging",
	"Interiors",
	"Marine",
	"Optics",
	"Retail",
	"Ceramics",
	"Motors",
	"Software",
	"Health",
	"Printing",
	"Tools",
	"Furniture",
	"Chemicals",
	"Media",
	"Travel",
	"Electronics",
	"Construction",
	"Metals",
	"Plastics",
	"Farms",
	"Paper",
	"Security",
	"Labs",
	"Dental",
	"Cycles",
	"Audio",
	"Glass",
	"Lighting",
]
_FORMS = ["GmbH", "AG", "Ltd", "SA", "BV", "AB", "Inc", "SpA", "LLC", "Group"]
_TOWNS = [
	"Aachen",
	"Bergen",
	"Cadiz",
	"Dover",
	"Essen",
	"Faro",
	"Ghent",
	"Haifa",
	"Izmir",
	"Jena",
	"Kiel",
	"Lyon",
	"Malmö",
	"Nice",
	"Oslo",
	"Porto",
	"Quito",
	"Riga",
	"Split",
	"Turin",
	"Utrecht",
	"Vaasa",
	"Wels",
	"Zug",
]


def people(count: int) -> list[tuple[str, str]]:
	"""`count` distinct salespeople: (name, e-mail address without its domain)."""
	more = [(f"{first} {last}", f"{first}.{last}".lower()) for last in _LAST for first in _FIRST]
	known = (_PEOPLE + more)[:count]
	return known + [(f"Salesperson {i + 1}", f"salesperson.{i + 1}") for i in range(len(known), count)]


def teams(count: int) -> list[str]:
	"""`count` distinct names of sales teams."""
	return TEAMS[:count] + [f"Team {i + 1}" for i in range(len(TEAMS), count)]


def territories(count: int) -> list[tuple[str, str]]:
	"""`count` distinct territories: (country, region)."""
	region = {country: name for name, members in REGIONS.items() for country in members}
	known = [(country, region[country]) for country in _COUNTRIES[:count]]
	return known + [(f"District {i + 1}", "Rest Of The World") for i in range(len(known), count)]


def sources(count: int) -> list[str]:
	"""`count` distinct channels, the strongest first."""
	return SOURCES[:count] + [f"Channel {i + 1}" for i in range(len(SOURCES), count)]


def company_names(count: int, salt: int) -> Objects:
	"""`count` distinct customer names, in an order that `salt` decides.

	Multiplying by a number that shares no factor with the size of the space visits every combination once.
	"""
	space = len(_HEADS) * len(_TRADES) * len(_FORMS)
	step = 7919
	names = np.empty(count, dtype=object)
	for i in range(count):
		lap, at = divmod(i, space)
		rest, form = divmod((at * step + salt) % space, len(_FORMS))
		head, trade = divmod(rest, len(_TRADES))
		town = "" if lap == 0 else " " + _TOWNS[(lap - 1) % len(_TOWNS)]
		number = "" if lap <= len(_TOWNS) else f" {lap}"
		names[i] = f"{_HEADS[head]} {_TRADES[trade]}{town}{number} {_FORMS[form]}"
	return names


def row_names(serials: Ints, salt: int) -> Objects:
	"""Ten hexadecimal digits per serial number, as Frappe names child rows: distinct within one salt."""
	mixed = (serials * 0x9E3779B97 + salt * 0x1F35A7BD3) & 0xFFFFFFFFFF
	return np.array([f"{value:010x}" for value in mixed.tolist()] + [None], dtype=object)[:-1]


@dataclass
class Series:
	"""The names of the documents of one DocType: prefix, year and number, which starts anew each year."""

	prefix: str
	years: Ints
	numbers: Ints

	@classmethod
	def by_day(cls, prefix: str, days: Ints, first_day: np.datetime64) -> Series:
		"""Number documents in the order of their days (counted from `first_day`)."""
		years = (first_day + days).astype("datetime64[Y]").astype(np.int64) + 1970
		order = np.lexsort((days, years))
		numbers = np.empty(len(days), dtype=np.int64)
		ordered = years[order]
		firsts = np.searchsorted(ordered, ordered, side="left")
		numbers[order] = np.arange(len(days)) - firsts + 1
		return cls(prefix, years, numbers)

	def __len__(self) -> int:
		"""Number of documents."""
		return len(self.years)

	def of(self, index: Any) -> Objects:
		"""The names of the documents at `index`; None where the index is negative."""
		index = np.asarray(index, dtype=np.int64)
		if not len(self.years):
			return np.full(len(index), None, dtype=object)
		pairs = zip(index.tolist(), self.years[index].tolist(), self.numbers[index].tolist(), strict=True)
		prefix = self.prefix
		# The None at the end, cut off again, keeps numpy from making anything but objects.
		made = [None if i < 0 else f"{prefix}-{year}-{number:05d}" for i, year, number in pairs]
		return np.array([*made, None], dtype=object)[:-1]
