import Batch
import Plain

/// What a batch would do, as it is told to people and to programs.
struct BatchPlan: Encodable {
  private let schema = "rnw.items/1"
  private let shard: String
  private let items: [Item]
  private let skipped: Int

  /// An item with all that is needed to convert it elsewhere.
  private struct Item: Encodable {
    let name: String
    let source: String
    let options: [String]
    let files: [String]
  }

  init(_ list: ItemList, shard: Shard) {
    self.shard = "\(shard.number)/\(shard.count)"
    items = shard.part(of: list.items).map { item in
      Item(
        name: item.name, source: item.source, options: item.options,
        files: item.neededFiles(companions: ItemList.companions))
    }
    skipped = list.strays.count
  }

  /// The same in lines.
  var text: String {
    let lines = items.map { item in
      ([item.name] + item.files.map { "  \($0)" }).joined(separator: "\n")
    }
    return (lines + ["\(counted(items.count, "item")); \(counted(skipped, "file")) of no model"])
      .joined(separator: "\n") + "\n"
  }
}
