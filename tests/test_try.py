from pathlib import Path
from tests import trees
import json
def test_try(tmp_path):
    tree = trees.copy_project(tmp_path/"tree", tiny_specs=True)
    b=json.dumps([{"name":"ratchet","classpath":"airflow.dag_processing.bundles.local.LocalDagBundle","kwargs":{"path":str(tree)}}])
    out = trees.python(Path("/tmp/run_ingest.py").read_text(), tree, folder=tmp_path, RATCHET__HOME=str(tmp_path/"home"), AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=b)
    print(json.dumps(out, indent=1))
