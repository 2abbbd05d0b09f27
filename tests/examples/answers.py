"""What serves an example's champion answers alike, whichever way it is asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
from fastapi.testclient import TestClient

from examples.catalogue import EXAMPLES
from vintage.ml.golden_table import golden_table
from vintage.registry.tracking import MODEL, RAW_EXAMPLE, TWIN, Tracking
from vintage.serving import Followed, application, explained
from vintage.serving.explanation import FEATURES, RAW
from vintage.serving.protocol import records
from vintage.store import Store
from vintage.twin import raw_pyfunc
from vintage.twin.pyfunc import TwinFunction, _load_pyfunc

if TYPE_CHECKING:
    from vintage.spec import Home
    from vintage.twin.raw_pyfunc import RawFunction

OF_FEATURES = {
    "digit_images": "preprocess.function is your own code: examples.pixels.as_vectors",
    "flight_time": "the SQL has a join",
}
"""Those of which a request holds no raw columns, and why."""


def assert_every_way_answers_alike(home: Home, name: str) -> None:
    """`PipelineModel.transform` (the golden batch), the twin, MLflow's pyfunc and `vintage serve`.

    Where raw rows are taken, those of which the evaluation found that they give what the model was given.
    """
    tracking = Tracking.of(home)
    followed = Followed(Store(home.store, name), tracking)
    # It holds the twin against the golden batch.
    assert followed.follow(), followed.refused
    assert followed.model is not None
    twin, model = followed.model.twin, followed.store.current("model", EXAMPLES[name].date)
    assert model is not None
    told = explained(followed.store, tracking.champion(name))
    folder = model.data / MODEL
    loaded: TwinFunction | RawFunction
    if name in OF_FEATURES:
        assert told.why == f"{FEATURES}: {OF_FEATURES[name]}."
        given = golden_table(folder).select([each.name for each in twin.inputs])
        loaded = _load_pyfunc(str(folder / TWIN))
    else:
        assert told.why.startswith(RAW), told.why
        rows = json.loads((folder / RAW_EXAMPLE).read_text(encoding="utf-8"))
        given = pa.table(dict(zip(rows["columns"], zip(*rows["data"], strict=True), strict=True)))
        loaded = raw_pyfunc._load_pyfunc(str(folder / TWIN))
    expected = records(twin, twin.transform(given.to_pydict()))
    assert expected
    with TestClient(application([followed])) as client:
        answer = client.post("/invocations", json={"inputs": given.to_pydict()})
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"] == expected
    served = loaded.predict(given.to_pandas())
    assert served.to_dict("records") == expected
