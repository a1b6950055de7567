import Tensors

/// The arrays of a pickle by the names that the keys on the way to them make.
///
/// Haiku keeps `module -> name -> array`, and its modules have slashes in their names: what stands above them, such as
/// `params` and `state` or the place in a tuple, is no part of a name, so that parameters and state are named as in one
/// dictionary.
struct PickledNames {
  /// The arrays in the order of the file.
  private(set) var arrays: [Entry] = []

  /// How many single numbers stand beside the weights, such as a count of steps.
  private(set) var ignored = 0

  /// What stands among the arrays of a layer and is none.
  let stranger: String?

  /// An array and its name.
  struct Entry {
    let name: String
    /// The keys above the name, for messages; empty for the whole file's own dictionary.
    let place: String
    let array: PickledArray
  }

  /// The most arrays; one of them can stand in many places of a short pickle.
  private static let maximumArrays = 100_000

  /// The most keys on the way to an array; what stands deeper is no network's.
  private static let maximumLevels = 8

  /// - Returns: `nil` where there are more arrays than any network has.
  init?(_ root: PickleValue) {
    var search = Search()
    search.visit(root, path: [])
    guard search.found.count <= Self.maximumArrays else { return nil }
    stranger = search.stranger
    let wrappers = Set(search.found.compactMap { Self.wrapper(of: $0.path) })
    let layers = Set(
      search.found.compactMap { path, array in
        array.content?.sizes.isEmpty == false ? Array(path.dropLast()) : nil
      })
    for (path, array) in search.found {
      let count =
        (0..<path.count).reversed().first { wrappers.contains(Array(path[..<$0])) }
        ?? path.prefix { $0.isIndex }.count
      // An array of a list has nothing but its number.
      let own = count < path.count ? path[count...] : path.suffix(1)
      if let content = array.content, content.sizes.isEmpty, own.count == 1,
        // One with a point beside the weights themselves may be the network's, such as a temperature.
        !content.type.dtype.isFloat || !layers.contains(Array(path.dropLast()))
      {
        ignored += 1
        continue
      }
      arrays.append(
        Entry(
          name: own.isEmpty
            ? NumPySource.singleName : own.map(\.text).joined(separator: "/"),
          place: path[..<own.startIndex].map(\.text).joined(separator: "."), array: array))
    }
  }

  /// The keys above a module; `nil` where none of the keys is one.
  private static func wrapper(of path: [Step]) -> [Step]? {
    path.dropLast().firstIndex { $0.text.contains("/") }.map { Array(path[..<$0]) }
  }

  /// A step down: a key, or the place in a tuple or list.
  private struct Step: Hashable {
    let text: String
    var isIndex = false
  }

  /// Finds the arrays; each container is visited once, in however many places it stands.
  private struct Search {
    private(set) var found: [(path: [Step], array: PickledArray)] = []
    private(set) var stranger: String?
    private var visited: Set<ObjectIdentifier> = []

    mutating func visit(_ value: PickleValue, path: [Step]) {
      if case .array(let array) = value {
        if array.content != nil { found.append((path, array)) }
        return
      }
      guard path.count < PickledNames.maximumLevels, found.count <= PickledNames.maximumArrays,
        let container = value.container,
        visited.insert(ObjectIdentifier(container)).inserted
      else { return }
      guard value.dictionary != nil else {
        for (index, item) in container.items.enumerated() {
          visit(item, path: path + [Step(text: String(index), isIndex: true)])
        }
        return
      }
      stranger = stranger ?? container.strangerAmongTensors
      for (key, item) in container.pairs {
        guard let text = key.text ?? key.integer.map(String.init) else { continue }
        visit(item, path: path + [Step(text: text)])
      }
    }
  }
}
