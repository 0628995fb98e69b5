import matplotlib
import pytest

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def _no_figure_left_open():
    yield
    from matplotlib import pyplot as plt

    plt.close("all")
