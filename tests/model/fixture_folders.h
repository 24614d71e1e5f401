#pragma once
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

/// The folders of tests/model/fixtures whose names begin with `prefix`, in order.
inline std::vector<std::filesystem::path> fixtureFolders(const std::string& prefix) {
    std::vector<std::filesystem::path> folders;
    for (const auto& item : std::filesystem::directory_iterator(DERRUMBE_TEST_DATA)) {
        const std::string name = item.path().filename().string();
        if (item.is_directory() && name.rfind(prefix, 0) == 0) folders.push_back(item.path());
    }
    std::sort(folders.begin(), folders.end());
    return folders;
}
