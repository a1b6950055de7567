import Files
import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Takes away what is left of items that a batch no longer has.
struct Pruning {
  let folder: RecordFolder
  let digests: DigestCache

  /// Removes the record of an item, and the file that it tells of where that is still what was written.
  func remove(_ item: ItemEnding) {
    removeFile(of: item)
    folder.remove(item.key)
  }

  /// A name comes from a record, which anything may have written: it must lead nowhere else.
  private func removeFile(of item: ItemEnding) {
    guard let written = item.output,
      BatchItem.name(of: item.name).utf8.elementsEqual(item.name.utf8)
    else { return }
    let path = folder.output(of: item.name)
    guard let found = digests.digest(of: path), found == (written.sha256, written.bytes) else {
      return
    }
    unlink(path)
    removeEmptyFolders(above: path)
  }

  private func removeEmptyFolders(above path: String) {
    var path = path.folderAndName.folder
    let models = folder.path + "/models/"
    while path.hasPrefix(models), path != models {
      path.removeLast()
      // Fails where there is anything else in it, which ends the way up.
      guard rmdir(path) == 0 else { return }
      path = path.folderAndName.folder
    }
  }
}
