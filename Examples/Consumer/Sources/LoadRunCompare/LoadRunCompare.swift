import Networks

/// Loads a converted network, runs it on an image, and compares it with the file that it was converted from.
@main
struct LoadRunCompare {
  static func main() throws {
    let files = CommandLine.arguments  // program, model.rnw, cat.jpg, model.safetensors

    let network = try Network(contentsOf: files[1])
    let x = try network.input(contentsOf: files[2])  // resized and scaled as the file says
    let y = try network.run(x)  // [1, classes]
    print(y.largest(5)[0])

    let comparison = try compare(network, Network(contentsOf: files[3]))
    print(comparison)  // the worst layers, and the verdict
    if let culprit = comparison.culprit {
      print("\(culprit.name) is wrong: \(culprit.suspicion ?? "nothing found explains it")")
    }
  }
}
