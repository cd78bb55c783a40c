"""Many recordings through many models: on all cores of a machine, or of a cluster.

What one machine renders, a cluster renders to the same bytes. What is there and whole is not rendered again.

Examples
--------
>>> import tempfile
>>> import neural_distortion as nd
>>> folder = tempfile.TemporaryDirectory()
>>> guitar, models = nd.example_audio("guitar"), [nd.example_model("overdrive-light")]
>>> results = nd.batch.render([guitar], models, folder.name, gains_db=[-6, 6], segment_s=5)
>>> [row.output for row in results]
['overdrive-light/guitar_+6dB_0001.wav', 'overdrive-light/guitar_+6dB_0002.wav', ...]
>>> folder.cleanup()
"""

from neural_distortion.batch.cluster import RenderModel
from neural_distortion.batch.journal import Results
from neural_distortion.batch.plan import Settings
from neural_distortion.batch.row import Row
from neural_distortion.batch.run import Progress, render, render_listed

__all__ = ["Progress", "RenderModel", "Results", "Row", "Settings", "render", "render_listed"]
