/// The words that PyTorch puts into names where it wraps a part of a model: to compile it, to shard it, to compute it
/// again in training, to spread it over devices.
///
/// Before all names they are a prefix as any other; this takes them out where they stand within.
struct WrapperNames {
  private let areTakenOut: Bool

  private static let words: Set<Substring> = [
    "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "module",
  ]

  /// - Parameter names: all names of a file: the words stay where two would be the same without them.
  init(_ names: [String]) {
    let plain = names.map(Self.unwrapped)
    areTakenOut = Set(plain).count == Set(names).count && plain != names
  }

  /// A name, or the beginning of one, without these words.
  func unwrapped(_ name: String) -> String { areTakenOut ? Self.unwrapped(name) : name }

  private static func unwrapped(_ name: String) -> String {
    guard !name.contains("/") else { return name }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    let start = parts.prefix(while: words.contains)
    return (start + parts.dropFirst(start.count).filter { !words.contains($0) })
      .joined(separator: ".")
  }
}
