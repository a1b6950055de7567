import Files
import Tensors

/// The dictionary of a checkpoint that holds the model, found among all dictionaries of tensors in it.
struct TorchDictionary {
  /// The tensors in the order of the dictionary.
  let tensors: [(name: String, tensor: TorchTensor)]

  /// What is to be said of the choice.
  let metadata: [String: String]

  /// Finds the dictionary of a name, or the one that is the model's.
  init(_ root: PickleValue, named wanted: String?, path: String) throws {
    var search = Search()
    search.visit(root, name: "", level: 0)
    let chosen: Candidate
    let reason: String
    if let wanted {
      guard let match = search.found.first(where: { $0.title == wanted }) else {
        throw InputError(
          .badData, path: path, "has no dictionary of tensors named \(wanted)",
          place: search.found.isEmpty ? nil : "there are \(Self.list(search.found))")
      }
      (chosen, reason) = (match, "asked for")
    } else {
      guard let choice = Self.choose(search.models) else {
        throw Self.refusal(root, search, path: path)
      }
      (chosen, reason) = choice
    }
    try Self.refuseUnreadTensors(of: chosen, path: path)
    let entries = chosen.dictionary.pairs.map { Entry($0.key, $0.value) }
    tensors = entries.compactMap(\.weight)
    var metadata: [String: String] = [:]
    if !chosen.name.isEmpty { metadata["torch.dictionary"] = chosen.name }
    if search.models.count > 1 {
      metadata["torch.dictionaries"] = Self.list(search.models)
      if wanted == nil {
        let others = search.models.filter { $0.name != chosen.name }
        metadata["torch.dictionary.assumed"] =
          "\(chosen.shownTitle) rather than \(Self.list(others)) (\(reason); --dictionary takes another)"
      }
    }
    let ignored = entries.count - tensors.count
    if ignored > 0 { metadata["ignored.entries"] = String(ignored) }
    let sparse = chosen.dictionary.pairs.compactMap { key, value -> String? in
      guard case .foreign(let object) = value, object.isSparseTensor else { return nil }
      return key.text
    }
    if !sparse.isEmpty {
      let names = sparse.prefix(8).map { String($0.prefix(60)) }.joined(separator: ", ")
      metadata["torch.sparse.assumed"] = "tensors \(names) belong to no layer"
    }
    self.metadata = metadata
  }

  // MARK: - Entries

  private enum Entry {
    case weight(String, TorchTensor)
    case other

    init(_ key: PickleValue, _ value: PickleValue) {
      guard case .tensor(let tensor) = value, let name = key.text,
        tensor.shape.rank > 0 || !Self.isCounter(name, tensor)
      else {
        self = .other
        return
      }
      self = .weight(name, tensor)
    }

    /// Whether a single number is a counter beside the weights, and no parameter of the network such as a temperature.
    ///
    /// `n_averaged` may stand within a wrapper too.
    private static func isCounter(_ name: String, _ tensor: TorchTensor) -> Bool {
      name == "n_averaged" || name.hasSuffix(".n_averaged")
        || !name.contains(".") && !tensor.dtype.isFloat
    }

    var weight: (name: String, tensor: TorchTensor)? {
      if case .weight(let name, let tensor) = self { return (name, tensor) }
      return nil
    }
  }

  /// Without such a tensor the network would be another one, and no name would tell.
  ///
  /// - Throws: `InputError` for a quantised or complex tensor, and for a sparse one with the name of a parameter.
  private static func refuseUnreadTensors(of candidate: Candidate, path: String) throws {
    for (key, value) in candidate.dictionary.pairs {
      let values = value.dictionary == nil ? value.container?.items ?? [value] : []
      for case .foreign(let object) in values where object.isTensor {
        let name = key.text ?? ""
        let isParameter = name.hasSuffix("weight") || name.hasSuffix("bias")
        guard object.isSparseTensor, !isParameter else {
          throw InputError(
            .badData, path: path, "has a tensor of a form that is not read",
            place: "\(name): \(object.name)",
            hint:
              "save it as a dense tensor of a float type, of the network before it was quantised")
        }
      }
    }
    if let name = candidate.dictionary.strangerAmongTensors {
      throw InputError(
        .badData, path: path, "has an entry among a layer's tensors that is no tensor", place: name)
    }
  }

  // MARK: - Candidates

  /// A dictionary that holds tensors itself.
  private struct Candidate {
    /// The keys by which it is reached, such as `ema.state_dict`; empty for the file's own.
    let name: String
    let dictionary: PickleContainer
    /// How many of its tensors could be weights.
    let tensorCount: Int
    /// Whether one of them is a kernel or a matrix, without which there is no network.
    let hasMatrices: Bool

    /// What it is called on the command line.
    var title: String { name.isEmpty ? "." : name }

    /// The same for messages, in which a name of any length has its place.
    var shownTitle: String { title.count > 60 ? "\(title.prefix(60))…" : title }
  }

  /// Finds the dictionaries; each is visited once, in however many places it stands.
  private struct Search {
    private(set) var found: [Candidate] = []
    private(set) var firstForeign: (name: String, object: ForeignObject)?
    /// The name of the first array of NumPy's, of any number of dimensions.
    private(set) var firstArray: String?
    private var visited: Set<ObjectIdentifier> = []

    private static let maximumLevels = 8

    /// Those that could be a network: without a kernel or a matrix anywhere, all of them.
    var models: [Candidate] {
      let models = found.filter(\.hasMatrices)
      return models.isEmpty ? found : models
    }

    mutating func visit(_ value: PickleValue, name: String, level: Int) {
      if case .foreign(let object) = value {
        if firstArray == nil, object.isArray { firstArray = name }
        if firstForeign == nil || object.isModule && firstForeign?.object.isModule == false {
          firstForeign = (name, object)
        }
        return
      }
      guard level <= Self.maximumLevels, let container = value.container,
        visited.insert(ObjectIdentifier(container)).inserted
      else { return }
      func inner(_ key: String) -> String { name.isEmpty ? key : "\(name).\(key)" }
      guard value.dictionary != nil else {
        for (index, item) in container.items.enumerated() where item.isVisited {
          visit(item, name: inner(String(index)), level: level + 1)
        }
        return
      }
      let pairs = container.pairs
      let tensors = pairs.compactMap { Entry($0.key, $0.value).weight }
      if !tensors.isEmpty {
        found.append(
          Candidate(
            name: name, dictionary: container, tensorCount: tensors.count,
            hasMatrices: tensors.contains { $0.tensor.shape.rank > 1 }))
      }
      for (key, value) in pairs where value.isVisited {
        // An optimizer's state goes by numbers.
        guard let key = key.text else { continue }
        visit(value, name: inner(key), level: level + 1)
      }
    }
  }

  // MARK: - Choice

  /// The names under which people keep a model, the likeliest first.
  private static let usualNames = [
    "state_dict", "model_state_dict", "model", "net", "network", "module", "params", "weights",
    "ema_state_dict", "state_dict_ema", "model_ema", "ema",
  ]

  /// One that holds so many times the tensors of any other is the model.
  private static let clearMajority = 10

  private static func choose(_ candidates: [Candidate]) -> (Candidate, reason: String)? {
    if candidates.count == 1 { return (candidates[0], "the only one") }
    for name in usualNames {
      for ending in ["", ".state_dict", ".model_state_dict", ".module"] {
        if let match = candidates.first(where: { $0.name == name + ending }) {
          return (match, "its name is the usual one")
        }
      }
    }
    let sorted = candidates.sorted { $0.tensorCount > $1.tensorCount }
    guard sorted.count > 1, sorted[0].tensorCount / clearMajority >= sorted[1].tensorCount else {
      return nil
    }
    return (sorted[0], "it holds most of the tensors")
  }

  private static func list(_ candidates: [Candidate]) -> String {
    let names = candidates.prefix(8).map { "\($0.shownTitle) (\($0.tensorCount) tensors)" }
    let more = candidates.count > 8 ? ", and \(candidates.count - 8) more" : ""
    return names.joined(separator: ", ") + more
  }

  private static func refusal(_ root: PickleValue, _ search: Search, path: String) -> InputError {
    if !search.found.isEmpty {
      return InputError(
        .badData, path: path, "holds several dictionaries of tensors",
        place: list(search.models), hint: "--dictionary NAME takes one of them")
    }
    if let name = search.firstArray {
      // The dictionary of the arrays, as Python reaches it.
      let keys = root.keys(to: name)
      let place = keys.map { "['\($0)']" }.joined()
      return InputError(
        .badData, path: path, "holds arrays of NumPy in place of tensors", place: name,
        hint: "in Python: d = torch.load('\(path)', weights_only=False)\(place); "
          + "numpy.savez('weights.npz', **d)")
    }
    if let (name, object) = search.firstForeign, name.isEmpty || object.isModule {
      let place = name.isEmpty ? object.name : "\(name) is a \(object.name)"
      let part = name.isEmpty ? "" : name.split(separator: ".").map { "['\($0)']" }.joined()
      return InputError(
        .badData, path: path,
        object.isModule
          ? "holds a whole module, which is code of its own, rather than its weights"
          : "holds an object rather than a dictionary of tensors",
        place: place,
        hint: object.isModule
          ? "in Python: model = torch.load('\(path)', weights_only=False)\(part); "
            + "torch.save(model.state_dict(), 'weights.pth')" : "save model.state_dict()")
    }
    return InputError(.badData, path: path, "holds no tensors", hint: "save model.state_dict()")
  }
}

extension PickleValue {
  /// The keys of the dictionaries within each other that lead to an entry of a dotted name, without its own key.
  fileprivate func keys(to name: String) -> [String] {
    let pairs = dictionary?.pairs ?? []
    for (key, value) in pairs {
      guard let key = key.text, name.hasPrefix(key + "."), value.dictionary != nil else { continue }
      return [key] + value.keys(to: String(name.dropFirst(key.count + 1)))
    }
    return []
  }

  /// Whether dictionaries may be within it.
  fileprivate var isVisited: Bool {
    if case .foreign = self { return true }
    return container != nil
  }
}
