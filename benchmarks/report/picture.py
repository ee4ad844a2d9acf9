"""A confusion matrix as a picture."""

from io import BytesIO

import matplotlib as mpl

mpl.use("agg")

from matplotlib import pyplot
from matplotlib.colors import LinearSegmentedColormap

_SHADES = LinearSegmentedColormap.from_list("shades", ["#ffffff", "#9cc3e6", "#1b5e9b"])


def draw(names: list[str], matrix: list[list[int]], title: str) -> bytes:
    """A PNG: rows are what the texts mean, columns what was told; the shade is the share of the row, the number the count."""
    size = 2.6 + 0.42 * len(names)
    mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 9})
    figure, axes = pyplot.subplots(figsize=(size, size), layout="constrained")
    shares = [[count / (sum(row) or 1) for count in row] for row in matrix]
    axes.imshow(shares, cmap=_SHADES, vmin=0, vmax=1)
    for y, row in enumerate(matrix):
        for x, count in enumerate(row):
            if count:
                axes.text(
                    x,
                    y,
                    str(count),
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white" if shares[y][x] > 0.6 else "#b3261e" if x != y else "black",
                )
    places = range(len(names))
    axes.set_xticks(places, names, rotation=90)
    axes.set_yticks(places, names)
    axes.set_xlabel("told")
    axes.set_ylabel("meant")
    axes.set_title(title, fontsize=11, fontweight="bold")
    axes.tick_params(length=0)
    axes.set_xticks([place - 0.5 for place in places], minor=True)
    axes.set_yticks([place - 0.5 for place in places], minor=True)
    axes.grid(which="minor", color="#e3e7ec", linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
    pyplot.close(figure)
    return file.getvalue()
