import pytest

from darkcnn import default_pipeline, save_model


@pytest.fixture(scope="session")
def pipeline(clusters):
    """A small model, trained."""
    model = default_pipeline(
        "simple",
        attributes=("redshift",),
        n_views=2,
        epochs=1,
        network_options={"width": 0.25},
        random_state=0,
    )
    return model.fit(clusters.data, clusters.target)


@pytest.fixture(scope="session")
def saved(pipeline, tmp_path_factory):
    """Its file."""
    path = tmp_path_factory.mktemp("models") / "model.keras"
    save_model(pipeline, path)
    return path
