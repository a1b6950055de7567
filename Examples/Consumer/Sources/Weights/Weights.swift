import Files
import Tensors
import WeightSources

/// Lists what is in files of weights, whoever wrote them.
@main
struct Weights {
  static func main() throws {
    for path in CommandLine.arguments.dropFirst() {
      do throws(InputError) {
        let source = try WeightFile.open(path)
        print("\(path): \(source.container), \(source.tensors.count) tensors")
        for tensor in source.tensors.prefix(3) {
          let values = try source.tensor(named: tensor.name).floats()
          print("  \(tensor.name) \(tensor.dtype.name) \(tensor.shape), first \(values[0])")
        }
      } catch {
        // What the program can act on; `error` itself is the line for its user.
        switch error.reason {
        case .missing: print("\(path) is not there")
        case .damaged, .malformed: print("\(error): load it again")
        default: print(error)
        }
      }
    }
  }
}
