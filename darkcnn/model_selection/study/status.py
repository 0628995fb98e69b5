"""Progress of a study."""

from dataclasses import dataclass

import numpy as np

from darkcnn.model_selection.study.store import Store
from darkcnn.model_selection.validation import corrected_standard_error


@dataclass(frozen=True)
class StudyStatus:
    """Progress of a study: candidates, scores so far and remaining time.

    Attributes
    ----------
    candidates : list of dict
        Parameters of each candidate, as text or numbers.
    n_splits : int
        Number of splits of each candidate.
    scores : list of dict of str to list of float
        Scores by name of the finished splits of each candidate.
    fit_time : float
        Mean time of a fit and its scoring, s; NaN before the first.
    test_over_train : float
        Number of clusters in a test set over that in its training set.
    """

    candidates: list
    n_splits: int
    scores: list
    fit_time: float
    test_over_train: float

    @property
    def n_fits(self):
        """Total number of fits."""
        return len(self.candidates) * self.n_splits

    @property
    def n_finished(self):
        """Number of finished fits."""
        return sum(max(map(len, scores.values()), default=0) for scores in self.scores)

    @property
    def seconds_left(self):
        """Remaining time in seconds, for one process."""
        return 0.0 if self.n_finished == self.n_fits else self.fit_time * (self.n_fits - self.n_finished)

    def table(self):
        """Format the scores so far as text.

        Returns
        -------
        list of str
            One line for each score of each candidate: mean, standard error, number of splits, parameters.
        """
        lines = []
        for parameters, scores in zip(self.candidates, self.scores, strict=True):
            named = ", ".join(f"{name}={value}" for name, value in parameters.items()) or "as given"
            for score, values in scores.items():
                error = corrected_standard_error(values, self.test_over_train)
                with np.errstate(invalid="ignore"):  # infinite scores of both signs
                    mean = np.mean(values)
                lines.append(
                    f"{score} {mean:.3f} ± {error:.3f} in {len(values)} of {self.n_splits} splits: {named}"
                )
        return lines


def study_status(folder):
    """Return the progress of a study, during or after its run.

    Parameters
    ----------
    folder : path-like
        Folder of the study, see :func:`darkcnn.run_study`; it is only read.

    Returns
    -------
    StudyStatus
        Candidates and scores so far.

    Raises
    ------
    FileNotFoundError
        If the folder contains no study.
    ValueError
        If a file in the folder is damaged.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.model_selection import GroupKFold
    >>> from darkcnn import run_study
    >>> from darkcnn.datasets import load_example
    >>> from darkcnn.model_selection import study_status
    >>> X, y = load_example(return_X_y=True)
    >>> options = {"groups": X["cluster_id"], "cv": GroupKFold(3), "param_grid": {"strategy": ["prior"]}}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     results = run_study(DummyClassifier(), X, y, folder=folder, **options)
    ...     status = study_status(folder)
    >>> f"{status.n_finished} of {status.n_fits} fits"
    '3 of 3 fits'
    """
    store = Store(folder)
    header = store.header()
    finished = store.finished()
    candidates, scores, seconds = header["candidates"], [], []
    for key in candidates:
        found = {}
        for split in finished.get(key, []):
            fit = store.read(key, split)
            seconds.append(fit["fit_time"] + fit["score_time"])
            for name, score in fit["scores"].items():
                found.setdefault(name, []).append(score)
        scores.append(found)
    return StudyStatus(
        candidates=list(candidates.values()),
        n_splits=header["n_splits"],
        scores=scores,
        fit_time=float(np.mean(seconds)) if seconds else float("nan"),
        test_over_train=header["test_over_train"],
    )
