"""What the engine asks of the world, as Protocols; `curator.adapters` has one file per product.

Re-exported so that a stage imports `from curator.ports import Storage`.
"""

from curator.ports.executor import Executor
from curator.ports.key_encryption import KeyEncryption
from curator.ports.keystore import Keystore
from curator.ports.storage import Storage, StoredFile
from curator.ports.subjects import Subjects

__all__ = ["Executor", "KeyEncryption", "Keystore", "Storage", "StoredFile", "Subjects"]
