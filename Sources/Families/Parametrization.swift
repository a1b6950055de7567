import Files
import Tensors

/// Weights that PyTorch computes anew for each pass from tensors of other names: pruned, normed or parametrised in any way.
///
/// Read from `torch.nn.utils.prune`, `weight_norm`, `spectral_norm` and `parametrize` (2.13).
enum Parametrization {
  /// The ends of names that only such weights have, and what puts the weight in their place.
  private static let kinds: [(end: String, partner: String, remedy: String)] = [
    ("_mask", "_orig", "torch.nn.utils.prune.remove(layer, 'weight')"),
    ("_g", "_v", "torch.nn.utils.remove_weight_norm(layer)"),
    ("_u", "_orig", "torch.nn.utils.remove_spectral_norm(layer)"),
  ]

  /// Why a file with such weights is not read; `nil` where it has none.
  static func refusal(_ tensors: [TensorInfo], path: String) -> InputError? {
    let names = Set(tensors.map(\.name))
    func refusal(_ name: String, _ remedy: String) -> InputError {
      InputError(
        .badData, path: path, "has a weight in parts, of which its layer computes it", place: name,
        hint: "in Python, before torch.save: \(remedy) for each such layer", reason: .otherNetwork)
    }
    for name in tensors.lazy.map(\.name) {
      if name.contains(".parametrizations.") {
        return refusal(
          name, "torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight')")
      }
      for kind in kinds where name.hasSuffix(".weight" + kind.end) {
        guard names.contains(name.dropLast(kind.end.count) + kind.partner) else { continue }
        return refusal(name, kind.remedy)
      }
    }
    return nil
  }
}
