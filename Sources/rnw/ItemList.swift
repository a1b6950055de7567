import Batch
import Files
import Plain
import WeightSources

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The items that a command line means.
struct ItemList {
  /// In the order of their names.
  let items: [BatchItem]

  /// The files of folders that are no models.
  let strays: [String]

  /// The files that belong to the one by which a model is opened.
  @Sendable static func companions(of path: String) -> [String] { ModelPlaces.companions(of: path) }

  /// - Throws: `InputError` where a manifest has a line that is none, or nothing is found.
  init(_ source: String, output: String, options: [String]) throws {
    let rules = Manifest.Rules(
      own: ItemOptions.own, files: ItemOptions.files, common: options, check: ItemOptions.check)
    let files = (try? ItemOptions.check(options)) ?? []
    func item(_ path: String, name: String) -> BatchItem {
      BatchItem(name: name, source: path, options: options, files: files, place: path)
    }
    var items: [BatchItem] = []
    var strays: [String] = []
    let isPattern = FileStamp(path: source) == nil
    let folder = RecordFolder(output)
    let paths =
      isPattern ? Self.paths(matching: source).filter { !folder.hasMade($0) } : [source]
    guard !paths.isEmpty else {
      throw InputError(
        .unreadable, path: source, "no such file, and no file has a name like this",
        reason: .missing)
    }
    for path in paths {
      let isFolder = FileStamp.isFolder(path)
      if !isFolder, Self.isManifest(path) {
        items += try Manifest.items(path: path, rules: rules)
      } else if !isFolder || ModelPlaces.folder(path).isModel {
        items.append(item(path, name: BatchItem.name(of: path)))
      } else if isPattern {
        // What a pattern matches is a model of its own, and no place to look for others.
        strays.append(path)
      } else {
        let found = try FolderItems(of: path, excluding: folder, knowledge: .names)
        let root = path.hasSuffix("/") ? path : path + "/"
        items += found.models.map { item(root + $0, name: $0) }
        strays += found.strays.map { root + $0 }
      }
    }
    guard !items.isEmpty else {
      throw InputError(
        .badData, path: source, "holds nothing to convert",
        place: "lines with \"source\", or models were expected")
    }
    self.items = try BatchItem.sorted(items)
    // The parts of a model are no strangers.
    let parts = Set(items.flatMap { ItemList.companions(of: $0.source) })
    self.strays = strays.filter { !parts.contains($0) }
  }

  /// What cannot be read is an item, which is quarantined.
  private static func isManifest(_ path: String) -> Bool {
    (try? Manifest.isManifest(path)) ?? false
  }

  /// The paths that a pattern of the shell's means, in the order of their bytes.
  private static func paths(matching pattern: String) -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, GLOB_NOSORT, nil, &found) == 0, let list = found.gl_pathv else { return [] }
    let paths = (0..<Int(found.gl_pathc)).compactMap { index in
      list[index].map { ByteText(String(cString: $0)) }
    }
    return paths.sorted().map(\.text)
  }
}

extension FolderItems.Knowledge {
  /// Models are told by the names of files.
  fileprivate static let names = FolderItems.Knowledge(
    folder: { ModelPlaces.folder($0) },
    file: { ModelPlaces.isModel($0, beside: $1) ? .model : .stray })
}
