"""Base class of transformers whose output is not a table."""

from sklearn.base import BaseEstimator, TransformerMixin

from darkcnn._common.documentation import DocumentationLink


class ArrayTransformer(DocumentationLink, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Base class of transformers that return records, maps or views for any `set_output` setting."""

    def set_output(self, *, transform=None):
        """Do nothing, because the output has more than two axes.

        Without this method, ``set_output`` of a pipeline would fail.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored.

        Returns
        -------
        ArrayTransformer
            The same transformer.
        """
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags
